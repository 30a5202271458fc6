// SPDX-License-Identifier: Apache-2.0
#include "adapters/posix/files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include "adapters/posix/error_text.hpp"
#include "adapters/posix/fd.hpp"

namespace flocker::posix {
namespace {

tl::unexpected<Error> failure(const char* doing, const std::string& path, int error) {
    const ErrorCode code = error == ENOENT || error == ENOTDIR ? ErrorCode::not_found : ErrorCode::unavailable;
    return fail(code, std::string("cannot ") + doing + " " + path + ": " + reason_of(error));
}

/// A folder that is not there is no reason to look elsewhere when a file is to be written.
tl::unexpected<Error> write_failure(const std::string& path, int error) {
    auto outcome = failure("write", path, error);
    outcome.value().code = ErrorCode::unavailable;
    return outcome;
}

int open_retrying(const char* path, int flags, mode_t mode = 0) {
    int fd = -1;
    do {
        fd = ::open(path, flags | O_CLOEXEC, mode);
    } while (fd < 0 && errno == EINTR);
    return fd;
}

/// 0 or errno.
int write_all(int fd, std::string_view text) {
    while (!text.empty()) {
        const ssize_t written = ::write(fd, text.data(), text.size());
        if (written >= 0) {
            text.remove_prefix(static_cast<std::size_t>(written));
        } else if (errno != EINTR) {
            return errno;
        }
    }
    return 0;
}

/// 0 or errno. The text is on the disk under `path`, which did not exist before.
int write_new_file(const std::string& path, std::string_view text, mode_t mode) {
    const Fd file(open_retrying(path.c_str(), O_WRONLY | O_CREAT | O_EXCL, mode));
    if (!file) return errno;
    // The umask may have taken bits away.
    if (::fchmod(file.get(), mode) != 0) return errno;
    if (const int error = write_all(file.get(), text)) return error;
    return ::fsync(file.get()) == 0 ? 0 : errno;
}

}  // namespace

Result<std::string> read_file(const std::string& path, std::size_t limit) {
    const Fd file(open_retrying(path.c_str(), O_RDONLY));
    if (!file) return failure("read", path, errno);
    std::string text;
    while (true) {
        constexpr std::size_t chunk = std::size_t{64} * 1024;
        const std::size_t before = text.size();
        // One byte beyond the limit is enough to know.
        text.resize(before + std::min(chunk, limit - before + 1));
        const ssize_t got = ::read(file.get(), text.data() + before, text.size() - before);
        if (got < 0 && errno != EINTR) return failure("read", path, errno);
        text.resize(before + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
        if (got == 0) return text;
        if (text.size() > limit) {
            return fail(ErrorCode::corrupt, path + " is longer than " + std::to_string(limit) + " bytes");
        }
    }
}

Status write_file_atomically(const std::string& path, std::string_view text, mode_t mode) {
    const std::string prepared = path + ".new";
    // What a crash left half written.
    if (::unlink(prepared.c_str()) != 0 && errno != ENOENT) return write_failure(prepared, errno);
    if (const int error = write_new_file(prepared, text, mode)) {
        ::unlink(prepared.c_str());
        return write_failure(path, error);
    }
    if (::rename(prepared.c_str(), path.c_str()) != 0) {
        const int error = errno;
        ::unlink(prepared.c_str());
        return write_failure(path, error);
    }
    if (auto synced = sync_folder_of(path); !synced) {
        return fail(ErrorCode::timed_out, synced.error().message);
    }
    return {};
}

Status sync_folder_of(const std::string& path) {
    const auto slash = path.rfind('/');
    const std::string folder = slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
    const Fd opened(open_retrying(folder.c_str(), O_RDONLY | O_DIRECTORY));
    if (!opened) return failure("open", folder, errno);
    if (::fsync(opened.get()) != 0) return failure("sync", folder, errno);
    return {};
}

}  // namespace flocker::posix
