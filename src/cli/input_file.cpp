// SPDX-License-Identifier: Apache-2.0
#include "cli/input_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
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

}  // namespace

Result<std::string> read_input_file(const std::string& path, std::size_t limit) {
    const posix::Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (file.get() < 0) return tl::unexpected(explained(path, errno));
    struct stat facts {};
    if (::fstat(file.get(), &facts) == 0 && S_ISDIR(facts.st_mode)) return tl::unexpected(explained(path, EISDIR));
    std::string text;
    std::array<char, 16384> piece{};
    for (;;) {
        const ssize_t got = ::read(file.get(), piece.data(), piece.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return tl::unexpected(explained(path, errno));
        if (got == 0) return text;
        text.append(piece.data(), static_cast<std::size_t>(got));
        if (text.size() > limit) {
            return fail(ErrorCode::invalid_argument,
                        fmt::format("{}: larger than {}, the limit", path, to_text(Bytes{limit})));
        }
    }
}

}  // namespace flocker::cli
