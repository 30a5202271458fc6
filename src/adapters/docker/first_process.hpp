// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>

#include "adapters/posix/fd.hpp"
#include "base/time.hpp"

namespace flocker::docker {

/// The first process of a container, held: once found, it is never mistaken for another process, whatever
/// becomes of its number. When it has ended, so has every process of the container, and its mounts are gone.
///
/// Threads: any.
class FirstProcess {
public:
    /// nullptr: it is gone, another container has the number, or it can't be seen from here.
    [[nodiscard]] static std::shared_ptr<FirstProcess> find(int pid, const std::string& container);

    [[nodiscard]] int pid() const { return pid_; }
    [[nodiscard]] const posix::Fd& handle() const { return process_; }
    /// True: it has ended. False: it runs still, after `limit`. Sees it end the moment it ends.
    [[nodiscard]] bool ends_within(Duration limit) const;
    [[nodiscard]] bool has_ended() const { return ends_within(Duration::zero()); }
    /// One that has ended already is a success.
    [[nodiscard]] bool send(int signal) const;

    /// Whether it does something at that signal. One that does not, ignores it: the kernel spares the first process of
    /// a namespace. nullopt: it can't be told.
    [[nodiscard]] std::optional<bool> heeds(int signal) const;

    /// For a container with a gate: whether its command has begun. If not, it is at the gate, on its way to it, or
    /// can't be told, as of a process that is just ending.
    [[nodiscard]] bool has_passed(const std::string& gate) const;

private:
    FirstProcess(int pid, posix::Fd process) : pid_(pid), process_(std::move(process)) {}

    const int pid_;
    const posix::Fd process_;
    /// A process that has passed it never waits again.
    mutable std::atomic<bool> passed_{false};
};

/// The number of a signal by the engine's names for them: "SIGTERM", "term", "15", "SIGRTMIN+3".
[[nodiscard]] std::optional<int> signal_number(const std::string& name);

}  // namespace flocker::docker
