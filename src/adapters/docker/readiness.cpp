// SPDX-License-Identifier: Apache-2.0
#include "adapters/docker/readiness.hpp"

#include <array>
#include <charconv>
#include <fstream>
#include <memory>
#include <span>
#include <sstream>
#include <string>
#include <system_error>

#include "adapters/posix/fd_stream.hpp"

namespace flocker::docker {
namespace {

using namespace std::string_view_literals;

constexpr std::size_t answer_max = 1024;
/// Protocol 3.0, user and database "flocker". Any answer will do, a refusal as well.
constexpr std::string_view postgres_startup =
    "\0\0\0\x27\0\3\0\0"
    "user\0flocker\0database\0flocker\0\0"sv;
static_assert(postgres_startup.size() == 0x27);
constexpr std::string_view redis_ping = "PING\r\n";

/// Reads until `enough` says so, the other side ends, or the buffer is full.
Result<std::string> read_answer(posix::Stream& stream, bool (*enough)(std::string_view)) {
    std::string answer;
    std::array<char, answer_max> buffer{};
    while (answer.size() < answer_max && !enough(answer)) {
        FLOCKER_TRY(const std::size_t got, stream.read_some(std::as_writable_bytes(std::span(buffer))));
        if (got == 0) break;
        answer.append(buffer.data(), got);
    }
    return answer;
}

std::size_t postgres_message_size(std::string_view answer) {
    std::size_t size = 0;
    for (std::size_t i = 1; i < 5; ++i) size = (size << 8U) | static_cast<unsigned char>(answer[i]);
    return size + 1;
}

bool postgres_enough(std::string_view answer) {
    if (answer.empty()) return false;
    return answer[0] != 'E' || (answer.size() >= 5 && answer.size() >= postgres_message_size(answer));
}

bool redis_enough(std::string_view answer) {
    return answer.find('\n') != std::string_view::npos;
}

}  // namespace

bool has_socket_at(std::istream& table, std::uint16_t port) {
    std::string line;
    // A heading, and then: "  sl: ADDRESS:PORT ADDRESS:PORT state ...", in hexadecimal.
    for (std::getline(table, line); std::getline(table, line);) {
        std::istringstream words(line);
        std::string number;
        std::string local;
        words >> number >> local;
        const auto colon = local.rfind(':');
        if (colon == std::string::npos) continue;
        std::uint16_t bound = 0;
        const auto [end, code] = std::from_chars(local.data() + colon + 1, local.data() + local.size(), bound, 16);
        if (code == std::errc{} && bound == port) return true;
    }
    return false;
}

bool listens_for_datagrams(int pid, std::uint16_t port) {
    const std::string folder = "/proc/" + std::to_string(pid) + "/net/";
    for (const char* family : {"udp", "udp6"}) {
        std::ifstream table(folder + family);
        if (table && has_socket_at(table, port)) return true;
    }
    return false;
}

Protocol protocol_of(std::uint16_t port) {
    if (port == 5432) return Protocol::postgres;
    if (port == 6379) return Protocol::redis;
    return Protocol::unknown;
}

bool postgres_serves(std::string_view answer) {
    if (answer.size() < 5 || answer[0] != 'E') return true;
    // Fields of an ErrorResponse: a letter and a text that ends with a zero byte; 'C' is the code.
    std::string_view fields = answer.substr(5);
    while (!fields.empty() && fields[0] != '\0') {
        const std::size_t end = fields.find('\0');
        if (fields[0] == 'C') return fields.substr(1, end - 1) != "57P03"sv;
        if (end == std::string_view::npos) break;
        fields.remove_prefix(end + 1);
    }
    return true;
}

bool redis_serves(std::string_view answer) {
    return !answer.starts_with("-LOADING");
}

Status ask_whether_ready(const std::string& address, std::uint16_t port, Protocol protocol, Duration limit) {
    FLOCKER_TRY(const auto stream, posix::connect_tcp(address, port, limit));
    if (protocol == Protocol::unknown) return {};
    stream->set_idle_limit(limit);
    const bool postgres = protocol == Protocol::postgres;
    FLOCKER_CHECK_OK(stream->write_all(std::as_bytes(std::span(postgres ? postgres_startup : redis_ping))));
    FLOCKER_TRY(const std::string answer, read_answer(*stream, postgres ? postgres_enough : redis_enough));
    if (postgres ? postgres_serves(answer) : redis_serves(answer)) return {};
    return fail(ErrorCode::unavailable, "port " + std::to_string(port) + " says that it is starting up");
}

}  // namespace flocker::docker
