// SPDX-License-Identifier: Apache-2.0
#include "adapters/btrfs/whole_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "adapters/btrfs/os_error.hpp"
#include "model/names.hpp"

namespace flocker::btrfs {
namespace {

Status write_all(int fd, std::string_view text, const std::string& name) {
    while (!text.empty()) {
        const ssize_t written = ::write(fd, text.data(), text.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return fail_os(errno, "write " + name);
        text.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
}

}  // namespace

Result<std::optional<std::string>> read_whole(const posix::Fd& folder, const std::string& name, std::size_t most) {
    const posix::Fd file(::openat(folder.get(), name.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    if (!file && errno == ENOENT) return std::nullopt;
    if (!file) return fail_os(errno, "open " + name);
    std::string text(most + 1, '\0');
    std::size_t size = 0;
    while (size < text.size()) {
        const ssize_t got = ::read(file.get(), text.data() + size, text.size() - size);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return fail_os(errno, "read " + name);
        if (got == 0) break;
        size += static_cast<std::size_t>(got);
    }
    if (size > most) return fail(ErrorCode::corrupt, name + " is too long");
    text.resize(size);
    return text;
}

Status replace_whole(const posix::Fd& folder, const std::string& name, std::string_view text) {
    // Under a name that a later observe() clears away, should we die before the rename.
    const std::string fresh = model::names::dropping_prefix + name;
    {
        const posix::Fd file(
            ::openat(folder.get(), fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
        if (!file) return fail_os(errno, "create " + name);
        FLOCKER_CHECK_OK(write_all(file.get(), text, name));
        if (::fsync(file.get()) != 0) return fail_os(errno, "sync " + name);
    }
    if (::renameat(folder.get(), fresh.c_str(), folder.get(), name.c_str()) != 0) {
        return fail_os(errno, "replace " + name);
    }
    if (::fsync(folder.get()) != 0) return fail_os(errno, "sync the folder of " + name);
    return {};
}

}  // namespace flocker::btrfs
