// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "adapters/posix/fd.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

namespace flocker::btrfs {

/// The volumes folder, and the subvolumes that are mounted in it, one folder a dataset.
///
/// Threads: any; calls about one name are never overlapped by the caller.
class Mounts {
public:
    /// `patience`: how long a mount that is in use is waited for.
    Mounts(std::string volumes, Duration patience);

    /// Mounts the subvolume at <volumes>/<name>. What else is mounted there goes. Makes the volumes
    /// folder a shared mount, so that containers which were started before see the new mount too.
    /// Repeating: nothing changes if it is mounted already.
    /// Errors: conflict (what is mounted there is in use), unavailable.
    [[nodiscard]] Status mount(const std::string& name, const posix::Fd& subvolume);
    /// Unmounts what is at <volumes>/<name>, here and wherever it had come by propagation. conflict, with
    /// a process's name, if it stays in use.
    [[nodiscard]] Status unmount(const std::string& name) const;
    /// Waits until no process has a file of the subvolume open for writing, in whichever mount namespace: a
    /// namespace that was copied from ours keeps a mount of its own, which hurts nobody by itself. conflict,
    /// with a process's name, if that does not come. Whoever has made the subvolume read-only before has
    /// seen its last write then.
    /// (A namespace that no process is in, held by a bind mount of its file, is not seen; container
    /// engines do not make such ones.)
    [[nodiscard]] Status await_no_writer(const std::string& name, const posix::Fd& subvolume) const;
    [[nodiscard]] Result<bool> is_mounted(const std::string& name, const posix::Fd& subvolume) const;
    /// Removes the empty folder that mounts are made on.
    [[nodiscard]] Status forget(const std::string& name);

private:
    [[nodiscard]] std::string point(const std::string& name) const { return volumes_ + "/" + name; }
    [[nodiscard]] Status unmount_at(const std::string& point) const;

    std::string volumes_;
    Duration patience_;
};

}  // namespace flocker::btrfs
