// SPDX-License-Identifier: Apache-2.0
#include "adapters/posix/sd_notify.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "adapters/posix/error_text.hpp"
#include "adapters/posix/fd.hpp"

namespace flocker::posix {
namespace {

std::optional<std::int64_t> number_in(const char* variable) {
    const char* text = std::getenv(variable);
    if (text == nullptr) return std::nullopt;
    const std::string_view digits = text;
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
    return number;
}

void pat_watchdog(ports::Loop& loop, Duration pause) {
    static_cast<void>(notify_systemd("WATCHDOG=1"));
    loop.after(pause, [&loop, pause] { pat_watchdog(loop, pause); });
}

}  // namespace

Status notify_systemd(std::string_view state) {
    const char* path = std::getenv("NOTIFY_SOCKET");
    if (path == nullptr || *path == '\0') return {};
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::size_t length = std::strlen(path);
    if (length >= sizeof(address.sun_path)) {
        return fail(ErrorCode::unavailable, "NOTIFY_SOCKET is too long for a socket's name");
    }
    std::memcpy(address.sun_path, path, length);
    // An abstract socket is written with '@' for its leading zero byte.
    if (address.sun_path[0] == '@') address.sun_path[0] = '\0';
    const Fd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + length);
    const bool sent = socket && ::sendto(socket.get(), state.data(), state.size(), MSG_NOSIGNAL,
                                         reinterpret_cast<const sockaddr*>(&address), size) >= 0;
    if (!sent) return fail(ErrorCode::unavailable, std::string("cannot tell systemd: ") + reason_of(errno));
    return {};
}

std::optional<Duration> watchdog_limit() {
    const auto microseconds = number_in("WATCHDOG_USEC");
    if (!microseconds || *microseconds <= 0) return std::nullopt;
    if (const auto pid = number_in("WATCHDOG_PID"); pid && *pid != ::getpid()) return std::nullopt;
    return std::chrono::microseconds(*microseconds);
}

void keep_watchdog(ports::Loop& loop) {
    if (const auto limit = watchdog_limit()) {
        loop.post([&loop, pause = *limit / 2] { pat_watchdog(loop, pause); });
    }
}

}  // namespace flocker::posix
