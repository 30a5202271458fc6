// SPDX-License-Identifier: Apache-2.0
#include "adapters/docker/gates.hpp"

#include <fcntl.h>
#include <linux/openat2.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <utility>

#include "adapters/posix/error_text.hpp"
#include "adapters/posix/files.hpp"

namespace flocker::docker {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t program_size_max = std::size_t{64} << 20U;
/// From the release until the command begins: two system calls and an exec, on a busy machine.
constexpr Duration passing_limit = 10s;

tl::unexpected<Error> failure(const std::string& what, int error) {
    return fail(ErrorCode::unavailable, what + ": " + posix::reason_of(error));
}

Status make_folder(const std::string& path) {
    std::error_code error;
    fs::create_directories(path, error);
    if (error) return fail(ErrorCode::unavailable, path + " can't be made: " + posix::reason_of(error.value()));
    // Every user id that a container may have goes through it.
    if (::chmod(path.c_str(), 0755) != 0) return failure(path + " can't be opened to containers", errno);
    return {};
}

bool same_file(const std::string& a, const std::string& b) {
    struct stat of_a {};
    struct stat of_b {};
    return ::stat(a.c_str(), &of_a) == 0 && ::stat(b.c_str(), &of_b) == 0 && of_a.st_dev == of_b.st_dev &&
           of_a.st_ino == of_b.st_ino;
}

Status make_fifo(const std::string& path) {
    struct stat seen {};
    if (::lstat(path.c_str(), &seen) == 0) {
        if (S_ISFIFO(seen.st_mode) && (seen.st_mode & 07777U) == 0444U) return {};
        if (::unlink(path.c_str()) != 0) return failure(path + " can't be replaced", errno);
    }
    if (::mkfifo(path.c_str(), 0) != 0) return failure(path + " can't be made", errno);
    // Whoever waits reads; only root here writes, whatever the umask.
    if (::chmod(path.c_str(), 0444) != 0) return failure(path + " can't be made readable", errno);
    return {};
}

Result<struct statx> look_at(int folder, const char* path, const std::string& name) {
    struct statx seen {};
    if (::statx(folder, path, AT_EMPTY_PATH | AT_NO_AUTOMOUNT, STATX_BASIC_STATS, &seen) != 0)
        return failure(name + " can't be looked at", errno);
    return seen;
}

}  // namespace

Gates::Gates(std::string folder, std::string program) : folder_(std::move(folder)), program_(std::move(program)) {}

Result<std::string> Gates::folder_of(const model::ApplicationName& application) const {
    const std::string& name = application.value;
    if (folder_.empty()) return fail(ErrorCode::unavailable, "there is no folder for gates");
    if (name.empty() || name == "." || name == ".." || name.find('/') != std::string::npos)
        return fail(ErrorCode::invalid_argument, "an application can't have the name \"" + name + "\"");
    return folder_ + "/" + name;
}

Status Gates::refresh_program() {
    const std::lock_guard lock(mutex_);
    const std::string copy = folder_ + "/program";
    struct stat seen {};
    if (fresh_ && ::stat(copy.c_str(), &seen) == 0) return {};
    auto installed = posix::read_file(program_, program_size_max);
    if (!installed) {
        return fail(ErrorCode::unavailable,
                    "the gate program is missing (" + installed.error().message + "); install flocker-gate beside flockerd");
    }
    FLOCKER_CHECK_OK(make_folder(folder_));
    const auto copied = posix::read_file(copy, program_size_max);
    const bool executable = ::stat(copy.c_str(), &seen) == 0 && (seen.st_mode & 07777U) == 0755U;
    if (!copied || *copied != *installed || !executable) {
        FLOCKER_CHECK_OK(posix::write_file_atomically(copy, *installed, 0755));
    }
    fresh_ = true;
    return {};
}

Result<std::string> Gates::prepare(const model::ApplicationName& application) {
    FLOCKER_TRY(const std::string folder, folder_of(application));
    FLOCKER_CHECK_OK(refresh_program());
    FLOCKER_CHECK_OK(make_folder(folder));
    const std::string program = folder_ + "/program";
    const std::string gate = folder + "/gate";
    if (!same_file(program, gate)) {
        const std::string fresh = gate + ".new";
        ::unlink(fresh.c_str());
        if (::link(program.c_str(), fresh.c_str()) != 0 || ::rename(fresh.c_str(), gate.c_str()) != 0)
            return failure(gate + " can't be made", errno);
    }
    FLOCKER_CHECK_OK(make_fifo(folder + "/release"));
    return folder;
}

Status Gates::remove(const model::ApplicationName& application) {
    const auto folder = folder_of(application);
    if (!folder) return {};
    std::error_code error;
    fs::remove_all(*folder, error);
    if (error) return fail(ErrorCode::unavailable, *folder + " can't be removed: " + posix::reason_of(error.value()));
    return {};
}

Result<posix::Fd> Gates::writer(const model::ApplicationName& application) const {
    FLOCKER_TRY(const std::string folder, folder_of(application));
    const std::string path = folder + "/release";
    posix::Fd fifo(::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW));
    if (fifo || errno == ENXIO) return fifo;
    return failure(path + " can't be opened", errno);
}

Result<bool> Gates::is_awaited(const model::ApplicationName& application) const {
    FLOCKER_TRY(const posix::Fd fifo, writer(application));
    return static_cast<bool>(fifo);
}

Result<bool> Gates::open(const model::ApplicationName& application, const FirstProcess& process) const {
    // While it is held open, no other start of a container can get a pid namespace of the same name.
    const std::string path = "/proc/" + std::to_string(process.pid()) + "/ns/pid";
    const posix::Fd start(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    char name[64];
    const ssize_t size = ::readlink(path.c_str(), name, sizeof name);
    const int reason = errno;
    if (process.has_ended()) return false;
    if (!start || size <= 0) return failure(path + " can't be read", reason);

    FLOCKER_TRY(const posix::Fd fifo, writer(application));
    if (!fifo) return false;
    if (::write(fifo.get(), name, static_cast<std::size_t>(size)) != size) {
        if (errno == EPIPE) return false;
        return failure("the release of " + application.value + " can't be written", errno);
    }
    // The reader keeps the FIFO open until exec closes it, or its end.
    pollfd waiting[2] = {{fifo.get(), 0, 0}, {process.handle().get(), POLLIN, 0}};
    int ready = 0;
    do {
        ready = ::poll(waiting, 2, static_cast<int>(to_ms(passing_limit)));
    } while (ready < 0 && errno == EINTR);
    if (ready > 0) return true;
    return fail(ErrorCode::unavailable, application.value + " was released and has not begun after " + to_text(passing_limit));
}

Status sees_volume(const FirstProcess& process, const std::string& source, const std::string& mountpoint) {
    FLOCKER_TRY(const struct statx here, look_at(AT_FDCWD, source.c_str(), source));
    if ((here.stx_attributes & STATX_ATTR_MOUNT_ROOT) == 0)
        return fail(ErrorCode::conflict, "nothing is mounted at " + source);

    const std::string root_path = "/proc/" + std::to_string(process.pid()) + "/root";
    const posix::Fd root(::open(root_path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!root) return failure(root_path + " can't be opened", errno);
    open_how how{};
    how.flags = O_PATH | O_CLOEXEC;
    how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
    const posix::Fd inside(
        static_cast<int>(::syscall(SYS_openat2, root.get(), mountpoint.c_str(), &how, sizeof how)));
    if (!inside) return failure(mountpoint + " can't be opened in the container", errno);
    FLOCKER_TRY(const struct statx there, look_at(inside.get(), "", mountpoint));
    if (process.has_ended()) return fail(ErrorCode::unavailable, "it has ended");
    // Every subvolume has a device number of its own.
    if (there.stx_ino == here.stx_ino && there.stx_dev_major == here.stx_dev_major &&
        there.stx_dev_minor == here.stx_dev_minor) {
        return {};
    }
    return fail(ErrorCode::conflict, "what it sees at " + mountpoint + " is not the volume that is mounted at " + source);
}

}  // namespace flocker::docker
