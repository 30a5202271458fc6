// SPDX-License-Identifier: Apache-2.0
#include "adapters/btrfs/sender.hpp"

#include <fcntl.h>
#include <linux/btrfs.h>
#include <pthread.h>
#include <signal.h>
#include <sys/ioctl.h>

#include <cerrno>
#include <cstddef>
#include <system_error>
#include <thread>
#include <vector>

#include "adapters/btrfs/os_error.hpp"
#include "adapters/btrfs/subvolume.hpp"

namespace flocker::btrfs {
namespace {

constexpr int pipe_bytes = 1024 * 1024;
constexpr std::size_t piece_bytes = 256 * 1024;

/// Returns the errno, or 0.
int send_into(int snapshot, int pipe, std::uint64_t base_root, std::uint64_t flags) {
    // A pipe whose reader has gone must be an error here and not a signal to the process.
    sigset_t all{};
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
    btrfs_ioctl_send_args args{};
    __u64 base = base_root;
    args.send_fd = pipe;
    args.parent_root = base_root;
    args.clone_sources = &base;
    args.clone_sources_count = base_root == 0 ? 0 : 1;
    args.flags = flags | BTRFS_SEND_FLAG_VERSION;
    args.version = 1;
    return ::ioctl(snapshot, BTRFS_IOC_SEND, &args) == 0 ? 0 : errno;
}

Status drain(const posix::Fd& pipe, const ports::Sink& sink) {
    std::vector<std::byte> piece(piece_bytes);
    for (;;) {
        const ssize_t got = ::read(pipe.get(), piece.data(), piece.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return fail_os(errno, "read a snapshot stream");
        if (got == 0) return {};
        FLOCKER_CHECK_OK(sink(std::span(piece).first(static_cast<std::size_t>(got))));
    }
}

}  // namespace

Status send_stream(const posix::Fd& snapshot, const std::optional<posix::Fd>& base, Content content,
                   const ports::Sink& sink) {
    std::uint64_t base_root = 0;
    if (base) {
        FLOCKER_TRY(const SubvolumeFacts facts, facts_of(*base));
        base_root = facts.id;
    }
    int ends[2] = {-1, -1};
    if (::pipe2(ends, O_CLOEXEC) != 0) return fail_os(errno, "make a pipe");
    posix::Fd reader(ends[0]);
    posix::Fd writer(ends[1]);
    // Larger only saves switches between the two threads.
    ::fcntl(writer.get(), F_SETPIPE_SZ, pipe_bytes);

    const std::uint64_t flags = content == Content::without ? BTRFS_SEND_FLAG_NO_FILE_DATA : 0;
    int error_number = 0;
    std::thread kernel;
    try {
        kernel = std::thread([&] {
            error_number = send_into(snapshot.get(), writer.get(), base_root, flags);
            writer.reset();
        });
    } catch (const std::system_error& error) {
        return fail(ErrorCode::unavailable, std::string("cannot start a thread: ") + error.what());
    }
    Status drained;
    try {
        drained = drain(reader, sink);
    } catch (...) {
        reader.reset();
        kernel.join();
        throw;
    }
    reader.reset();
    kernel.join();
    if (!drained) return drained;
    if (error_number != 0) return fail_os(error_number, "send a snapshot");
    return {};
}

}  // namespace flocker::btrfs
