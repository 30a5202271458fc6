// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <string>

#include "adapters/posix/fd.hpp"
#include "base/result.hpp"

namespace flocker::contract {

/// Moves the calling thread, and all that it starts, into a network and a mount namespace of its own:
/// what a test makes there goes with it. Call it before there is another thread.
[[nodiscard]] Status enter_own_namespaces();

/// A Docker engine of the test's own, with everything of it under /var/tmp/flkt-NAME. It ends when the
/// process that started it does.
///
/// Owns: its process, its folder. What an earlier run left under the same name is ended and removed
///       first; one that is still under way is waited for.
class OwnDockerd {
public:
    explicit OwnDockerd(const std::string& name);
    ~OwnDockerd();
    OwnDockerd(const OwnDockerd&) = delete;
    OwnDockerd& operator=(const OwnDockerd&) = delete;

    /// Returns when it answers.
    [[nodiscard]] Status start();
    /// As its service would be stopped: its containers end too.
    void stop();
    [[nodiscard]] const std::string& folder() const { return folder_; }
    [[nodiscard]] std::string socket_path() const { return folder_ + "/docker.sock"; }

private:
    void remove_leftovers() const;

    std::string folder_;
    std::string cgroup_;
    posix::Fd turn_;  ///< Locked: no other process uses the name.
    pid_t process_{-1};
};

/// A tar archive of a root file system with busybox in it, for `import`. Needs /bin/busybox to be static.
[[nodiscard]] Status write_busybox_archive(const std::string& path);

}  // namespace flocker::contract
