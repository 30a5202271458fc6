// SPDX-License-Identifier: Apache-2.0
#include "adapters/btrfs/snapshot_digests.hpp"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <system_error>
#include <thread>

#include "adapters/btrfs/held_snapshot.hpp"
#include "adapters/btrfs/subvolume.hpp"
#include "adapters/btrfs/tree_digest.hpp"

namespace flocker::btrfs {
namespace {

/// Of the calling thread alone. What the kernel refuses of it is done without.
void take_lowest_priority() {
    constexpr int who_process = 1;
    constexpr int class_idle = 3;
    constexpr int class_shift = 13;
    static_cast<void>(::syscall(SYS_ioprio_set, who_process, 0, class_idle << class_shift));
    static_cast<void>(::setpriority(PRIO_PROCESS, 0, 19));
}

class Tree final : public ports::HeldTree {
public:
    explicit Tree(HeldSnapshot held) : held_(std::move(held)) {}

    Result<ports::TreeDigest> digest(std::optional<ports::DigestRange> only,
                                     const ports::DigestListener& listener) override {
        if (only && only->count == 0) return ports::TreeDigest{};
        Result<ports::TreeDigest> outcome;
        try {
            // A thread that has a low priority does not get its own back.
            std::thread([&] {
                take_lowest_priority();
                outcome = digest_here(only, listener);
            }).join();
        } catch (const std::system_error& error) {
            return fail(ErrorCode::unavailable, std::string("cannot start a thread: ") + error.what());
        }
        return outcome;
    }

private:
    [[nodiscard]] Result<ports::TreeDigest> digest_here(const std::optional<ports::DigestRange>& only,
                                                        const ports::DigestListener& listener) const {
        ports::DigestProgress progress;
        FLOCKER_TRY(const ContentSum content, content_of(held_.root()));
        progress.entries_expected = content.inodes;
        progress.bytes_expected = Bytes{content.bytes};
        return digest_tree(held_.root(), only, progress, listener);
    }

    HeldSnapshot held_;
};

}  // namespace

Result<std::unique_ptr<ports::HeldTree>> BtrfsSnapshotDigests::hold(const model::DatasetId& dataset,
                                                                    const model::SnapshotId& snapshot) {
    FLOCKER_TRY(HeldSnapshot held, HeldSnapshot::make(pool_, dataset, snapshot));
    return std::make_unique<Tree>(std::move(held));
}

}  // namespace flocker::btrfs
