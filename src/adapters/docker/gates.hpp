// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <mutex>
#include <string>

#include "adapters/docker/first_process.hpp"
#include "adapters/posix/fd.hpp"
#include "base/result.hpp"
#include "model/ids.hpp"

namespace flocker::docker {

/// Where containers see their gate.
inline constexpr const char* gate_folder_inside = "/.flocker";
inline constexpr const char* gate_inside = "/.flocker/gate";

/// The gates of this node's containers:
///
///   <folder>/program                the gate program, a copy
///   <folder>/<application>/gate     the same file; mounted, with its folder, into the container
///   <folder>/<application>/release  a FIFO: what is written there reaches whoever waits now, or nobody
///
/// Containers do not depend on where the program was installed, nor on the agent: without one they stay shut.
///
/// Threads: any; not two at once on one application. Blocking.
class Gates {
public:
    /// `program`: the installed one.
    Gates(std::string folder, std::string program);

    /// The folder for this application's container, ready to be mounted. Repeating it changes nothing.
    /// Errors: unavailable (the program is not installed, the disk); invalid_argument (what can't be a folder's name).
    [[nodiscard]] Result<std::string> prepare(const model::ApplicationName& application);
    [[nodiscard]] Status remove(const model::ApplicationName& application);

    /// Whether a process waits there at this moment.
    [[nodiscard]] Result<bool> is_awaited(const model::ApplicationName& application) const;
    /// Opens the gate for this start of the container alone, and waits until the first process has passed it: its
    /// command has begun, or it has ended. False: nobody waits there.
    /// Errors: unavailable (not passed in time).
    [[nodiscard]] Result<bool> open(const model::ApplicationName& application, const FirstProcess& process) const;

private:
    [[nodiscard]] Status refresh_program();
    [[nodiscard]] Result<std::string> folder_of(const model::ApplicationName& application) const;
    /// Without a reader: none.
    [[nodiscard]] Result<posix::Fd> writer(const model::ApplicationName& application) const;

    const std::string folder_;
    const std::string program_;
    std::mutex mutex_;
    bool fresh_{false};  ///< The copy is the installed program.
};

/// Whether what the container sees at `mountpoint` is what is mounted at `source` here.
/// Errors: conflict (it is not, or nothing is mounted there); unavailable (it can't be told).
[[nodiscard]] Status sees_volume(const FirstProcess& process, const std::string& source, const std::string& mountpoint);

}  // namespace flocker::docker
