// SPDX-License-Identifier: Apache-2.0
#include "cli/input_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

#include "adapters/posix/fd.hpp"
#include "base/bytes.hpp"

namespace flocker::cli {
namespace {

Error explained(const std::string& path, int error) {
    switch (error) {
        case ENOENT: return {ErrorCode::not_found, path + ": there is no such file"};
        case ENOTDIR: return {ErrorCode::not_found, path + ": there is no such file, a part of its path is no folder"};
        case ELOOP: return {ErrorCode::invalid_argument, path + ": its links go round in a circle"};
        case EISDIR: return {ErrorCode::invalid_argument, path + ": this is a folder, name a file"};
        case EACCES: return {ErrorCode::unavailable, path + ": you may not read it"};
        default: return {ErrorCode::unavailable, path + ": " + std::generic_category().message(error)};
    }
}

/// So long the program that is to write into a pipe may take to open it.
constexpr int pipe_patience_ms = 1000;

/// Whether there may be more to read.
bool wait_for_more(const posix::Fd& file, int limit_ms) {
    pollfd waited{file.get(), POLLIN, 0};
    for (;;) {
        const int count = ::poll(&waited, 1, limit_ms);
        if (count >= 0 || errno != EINTR) return count > 0;
    }
}

}  // namespace

Result<std::string> read_input_file(const std::string& path, std::size_t limit) {
    // A pipe that nobody writes into would be waited for from the opening on.
    const posix::Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (file.get() < 0) return tl::unexpected(explained(path, errno));
    struct stat facts {};
    if (::fstat(file.get(), &facts) != 0) return tl::unexpected(explained(path, errno));
    if (S_ISDIR(facts.st_mode)) return tl::unexpected(explained(path, EISDIR));
    const bool silent_pipe = S_ISFIFO(facts.st_mode) && !wait_for_more(file, pipe_patience_ms);
    std::string text;
    std::array<char, 16384> piece{};
    for (;;) {
        const ssize_t got = ::read(file.get(), piece.data(), piece.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0 && errno == EAGAIN) {
            wait_for_more(file, -1);
            continue;
        }
        if (got < 0) return tl::unexpected(explained(path, errno));
        if (got == 0 && silent_pipe && text.empty()) {
            return fail(ErrorCode::invalid_argument, path + ": this is a pipe that nobody writes into, name a file");
        }
        if (got == 0) return text;
        text.append(piece.data(), static_cast<std::size_t>(got));
        if (text.size() > limit) {
            return fail(ErrorCode::invalid_argument,
                        fmt::format("{}: larger than {}, the limit", path, to_text(Bytes{limit})));
        }
    }
}

}  // namespace flocker::cli
