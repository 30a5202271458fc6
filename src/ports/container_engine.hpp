// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "model/action.hpp"

namespace flocker::ports {

struct EngineSeen {
    std::vector<model::ContainerSeen> containers;  ///< Ours only; `ready` is false in all of them.
    std::set<std::string> images;                  ///< "repository:tag", all of them.
    std::vector<model::TakenPort> published{};     ///< What containers of others publish on this node; by "container NAME".
};

/// The container engine of this node, as far as our containers and their images go.
///
/// Threads:   call on the loop thread; no call blocks it.
/// Repeating: an action done again succeeds and changes nothing.
/// Actions on one application are never overlapped by the caller; on different ones they may be.
class ContainerEngine {
public:
    virtual ~ContainerEngine() = default;
    virtual void observe(Done<EngineSeen> done) = 0;
    /// What the container looks like afterwards; nullopt: there is none.
    /// Errors: not_found (no such image or container), unavailable (engine away, start failed,
    /// exited before it was ready), conflict (a stranger has the name or address).
    virtual void perform(const model::ContainerAction& action, Done<std::optional<model::ContainerSeen>> done) = 0;
    /// Asks the image's registry for it. unavailable if it can't be had there.
    virtual void pull(const std::string& image, Done<void> done) = 0;
    /// Called on the loop thread when one of our containers may have started, exited or gone. May
    /// come late, twice or for nothing.
    virtual void watch(std::function<void()> changed) = 0;
};

}  // namespace flocker::ports
