// SPDX-License-Identifier: Apache-2.0
#include "adapters/btrfs/stream_applier.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>

#include <cerrno>
#include <climits>
#include <type_traits>

#include "adapters/posix/error_text.hpp"

namespace flocker::btrfs::stream {
namespace {

constexpr std::uint32_t mode_bits = 07777;

tl::unexpected<Error> corrupt(const std::string& what) {
    return fail(ErrorCode::corrupt, "snapshot stream: " + what);
}

/// The disk's errors are the disk's; every other one means that the stream does not fit.
tl::unexpected<Error> refused(int error_number, const std::string& what, Path path) {
    const std::string text = "cannot " + what + " " + (path.empty() ? "the volume itself" : std::string(path)) + ": " +
                             posix::reason_of(error_number);
    switch (error_number) {
        case ENOSPC:
        case EDQUOT:
        case EIO:
        case EROFS:
        case ENOMEM:
        case EMFILE:
        case ENFILE:
        case EPERM:
        case EACCES: return fail(ErrorCode::unavailable, text);
        default: return corrupt(text);
    }
}

/// Resolves beneath `folder`, through no symlink and into no other mount. -1 and errno otherwise.
int open_beneath(int folder, const std::string& path, int flags) {
    open_how how{};
    how.flags = static_cast<__u64>(flags) | O_CLOEXEC;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV;
    return static_cast<int>(::syscall(SYS_openat2, folder, path.c_str(), &how, sizeof how));
}

std::string proc_path(int fd) {
    return "/proc/self/fd/" + std::to_string(fd);
}

bool fits_offset(std::uint64_t offset, std::uint64_t length) {
    constexpr auto most = static_cast<std::uint64_t>(LLONG_MAX);
    return offset <= most && length <= most - offset;
}

Time time_of(const timespec& time) {
    return {static_cast<std::uint64_t>(time.tv_sec), static_cast<std::uint32_t>(time.tv_nsec)};
}
timespec timespec_of(const Time& time) {
    return {static_cast<time_t>(time.seconds), static_cast<long>(time.nanoseconds)};
}

}  // namespace

Applier::Applier(const posix::Fd& root, const Uuid& own, std::optional<CloneSource> base)
    : root_(root), own_(own), base_(base) {
    struct stat seen {};
    if (!base_ || ::fstat(root_.get(), &seen) != 0) return;
    root_times_ = RootTimes{time_of(seen.st_atim), time_of(seen.st_mtim)};
}

// btrfs makes new entries under temporary names in the top folder, and says the folder's own times
// only if they changed at the source, and not always last.
Status Applier::finish() {
    open_file_.reset();
    return root_times_ ? run(SetTimes{{}, root_times_->accessed, root_times_->modified}) : Status{};
}

Status Applier::apply(const Command& command) {
    return std::visit(
        [this](const auto& one) -> Status {
            using One = std::decay_t<decltype(one)>;
            // What a path means may change: the file that is open for writing may get another name.
            constexpr bool keeps_names = std::is_same_v<One, Write> || std::is_same_v<One, Clone> ||
                                         std::is_same_v<One, Truncate> || std::is_same_v<One, SetMode> ||
                                         std::is_same_v<One, SetOwner> || std::is_same_v<One, SetTimes> ||
                                         std::is_same_v<One, SetAttribute> || std::is_same_v<One, RemoveAttribute>;
            if constexpr (!keeps_names) open_file_.reset();
            return run(one);
        },
        command);
}

Result<Applier::Place> Applier::locate(Path path) const {
    Place place;
    const auto slash = path.rfind('/');
    if (slash == Path::npos) {
        place.folder = root_.get();
        place.name = path;
        return place;
    }
    place.opened = posix::Fd(open_beneath(root_.get(), std::string(path.substr(0, slash)), O_PATH | O_DIRECTORY));
    if (!place.opened) return refused(errno, "open the folder of", path);
    place.folder = place.opened.get();
    place.name = path.substr(slash + 1);
    return place;
}

Result<posix::Fd> Applier::open_file(const posix::Fd& root, Path path, int flags) const {
    // Looked at before it is opened: opening a device or a pipe has effects, or waits for ever.
    const posix::Fd found(open_beneath(root.get(), std::string(path), O_PATH | O_NOFOLLOW));
    if (!found) return refused(errno, "open", path);
    struct stat seen {};
    if (::fstat(found.get(), &seen) != 0) return refused(errno, "look at", path);
    if (!S_ISREG(seen.st_mode)) return corrupt(std::string(path) + " is not a file");
    posix::Fd file(::open(proc_path(found.get()).c_str(), flags | O_CLOEXEC));
    if (!file) return refused(errno, "open", path);
    return file;
}

Result<int> Applier::file_to_write(Path path) {
    if (!open_file_ || open_path_ != path) {
        FLOCKER_TRY(open_file_, open_file(root_, path, O_WRONLY));
        open_path_ = path;
    }
    return open_file_.get();
}

Status Applier::make_node(Path path, std::uint32_t type_and_mode, std::uint64_t device) {
    FLOCKER_TRY(const Place place, locate(path));
    if (::mknodat(place.folder, place.name.c_str(), type_and_mode, device) != 0) return refused(errno, "create", path);
    return {};
}

Status Applier::run(const Begin&) {
    return corrupt("it begins twice");
}
Status Applier::run(const BeginFrom&) {
    return corrupt("it begins twice");
}
Status Applier::run(const Extent&) {
    return corrupt("it has no content");
}
Status Applier::run(const End&) {
    return corrupt("it ends twice");
}

// The modes are the stream's to set, by a later command; until then nobody but root gets in.
Status Applier::run(const MakeFile& command) {
    return make_node(command.path, S_IFREG | 0600U, 0);
}
Status Applier::run(const MakeFifo& command) {
    return make_node(command.path, S_IFIFO | 0600U, 0);
}
Status Applier::run(const MakeSocket& command) {
    return make_node(command.path, S_IFSOCK | 0600U, 0);
}

Status Applier::run(const MakeDevice& command) {
    const std::uint32_t type = command.mode & S_IFMT;
    if (type != S_IFCHR && type != S_IFBLK) return corrupt(std::string(command.path) + " is no kind of device");
    return make_node(command.path, type | 0600U, command.device);
}

Status Applier::run(const MakeFolder& command) {
    FLOCKER_TRY(const Place place, locate(command.path));
    if (::mkdirat(place.folder, place.name.c_str(), 0700) != 0) return refused(errno, "create", command.path);
    return {};
}

Status Applier::run(const MakeSymlink& command) {
    FLOCKER_TRY(const Place place, locate(command.path));
    if (::symlinkat(std::string(command.target).c_str(), place.folder, place.name.c_str()) != 0) {
        return refused(errno, "create", command.path);
    }
    return {};
}

Status Applier::run(const Rename& command) {
    FLOCKER_TRY(const Place from, locate(command.path));
    FLOCKER_TRY(const Place to, locate(command.to));
    if (::renameat(from.folder, from.name.c_str(), to.folder, to.name.c_str()) != 0) {
        return refused(errno, "rename", command.path);
    }
    return {};
}

Status Applier::run(const Link& command) {
    FLOCKER_TRY(const Place existing, locate(command.existing));
    FLOCKER_TRY(const Place place, locate(command.path));
    if (::linkat(existing.folder, existing.name.c_str(), place.folder, place.name.c_str(), 0) != 0) {
        return refused(errno, "link", command.path);
    }
    return {};
}

Status Applier::run(const Unlink& command) {
    FLOCKER_TRY(const Place place, locate(command.path));
    if (::unlinkat(place.folder, place.name.c_str(), 0) != 0) return refused(errno, "remove", command.path);
    return {};
}

Status Applier::run(const RemoveFolder& command) {
    FLOCKER_TRY(const Place place, locate(command.path));
    if (::unlinkat(place.folder, place.name.c_str(), AT_REMOVEDIR) != 0) return refused(errno, "remove", command.path);
    return {};
}

Status Applier::run(const SetAttribute& command) {
    FLOCKER_TRY(const Place place, locate(command.path));
    const std::string name(command.name);
    const void* value = command.value.data();
    const std::size_t size = command.value.size();
    // The last component is not followed, so a symlink's attribute is its own.
    const int outcome = place.name.empty() ? ::fsetxattr(root_.get(), name.c_str(), value, size, 0)
                                           : ::lsetxattr((proc_path(place.folder) + "/" + place.name).c_str(),
                                                         name.c_str(), value, size, 0);
    if (outcome != 0) return refused(errno, "set " + name + " of", command.path);
    return {};
}

Status Applier::run(const RemoveAttribute& command) {
    FLOCKER_TRY(const Place place, locate(command.path));
    const std::string name(command.name);
    const int outcome = place.name.empty()
                            ? ::fremovexattr(root_.get(), name.c_str())
                            : ::lremovexattr((proc_path(place.folder) + "/" + place.name).c_str(), name.c_str());
    if (outcome != 0) return refused(errno, "remove " + name + " of", command.path);
    return {};
}

Status Applier::run(const Write& command) {
    if (!fits_offset(command.offset, command.content.size())) return corrupt("a write is out of range");
    FLOCKER_TRY(const int file, file_to_write(command.path));
    Bytes rest = command.content;
    auto offset = static_cast<off_t>(command.offset);
    while (!rest.empty()) {
        const ssize_t written = ::pwrite(file, rest.data(), rest.size(), offset);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return refused(errno, "write", command.path);
        rest = rest.subspan(static_cast<std::size_t>(written));
        offset += written;
    }
    return {};
}

Status Applier::run(const Clone& command) {
    if (!fits_offset(command.offset, command.length) || !fits_offset(command.source_offset, command.length)) {
        return corrupt("a clone is out of range");
    }
    const bool from_itself = command.source == own_;
    if (!from_itself && !(base_ && command.source == base_->uuid)) {
        return corrupt("it clones from a snapshot that is not its base");
    }
    FLOCKER_TRY(const posix::Fd source, open_file(from_itself ? root_ : base_->folder, command.source_path, O_RDONLY));
    FLOCKER_TRY(const int file, file_to_write(command.path));
    file_clone_range range{};
    range.src_fd = source.get();
    range.src_offset = command.source_offset;
    range.src_length = command.length;
    range.dest_offset = command.offset;
    if (::ioctl(file, FICLONERANGE, &range) < 0) return refused(errno, "clone into", command.path);
    return {};
}

Status Applier::run(const Truncate& command) {
    if (!fits_offset(command.size, 0)) return corrupt("a size is out of range");
    FLOCKER_TRY(const int file, file_to_write(command.path));
    if (::ftruncate(file, static_cast<off_t>(command.size)) != 0) return refused(errno, "truncate", command.path);
    return {};
}

Status Applier::run(const SetMode& command) {
    FLOCKER_TRY(const Place place, locate(command.path));
    const mode_t mode = command.mode & mode_bits;
    const int outcome = place.name.empty() ? ::fchmod(root_.get(), mode)
                                           : ::fchmodat(place.folder, place.name.c_str(), mode, AT_SYMLINK_NOFOLLOW);
    if (outcome != 0) return refused(errno, "set the mode of", command.path);
    return {};
}

Status Applier::run(const SetOwner& command) {
    FLOCKER_TRY(const Place place, locate(command.path));
    if (::fchownat(place.folder, place.name.c_str(), command.user, command.group,
                   AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH) != 0) {
        return refused(errno, "set the owner of", command.path);
    }
    return {};
}

Status Applier::run(const SetTimes& command) {
    FLOCKER_TRY(const Place place, locate(command.path));
    if (place.name.empty()) root_times_ = RootTimes{command.accessed, command.modified};
    const timespec times[2] = {timespec_of(command.accessed), timespec_of(command.modified)};
    const int outcome = place.name.empty() ? ::futimens(root_.get(), times)
                                           : ::utimensat(place.folder, place.name.c_str(), times, AT_SYMLINK_NOFOLLOW);
    if (outcome != 0) return refused(errno, "set the times of", command.path);
    return {};
}

}  // namespace flocker::btrfs::stream
