// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "adapters/docker/first_process.hpp"
#include "adapters/docker/messages.hpp"

namespace flocker::docker {

/// The first processes of our containers. The engine notices the end of one when it has cleaned up behind it; what is
/// held here is seen to end when it ends.
///
/// Threads: any.
class HeldProcesses {
public:
    using Time = std::chrono::steady_clock::time_point;

    /// Of a container that runs as far as the engine knows. nullptr: it can't be found.
    [[nodiscard]] std::shared_ptr<FirstProcess> of(const Inspected& container);
    /// Its end is on our word: nobody has to wait for what the engine says of it.
    void note_stopping(const Inspected& container);
    /// Of a container that was stopped here and has ended: what is said of it until the engine knows. The same each
    /// time. nullopt: it was not stopped here.
    [[nodiscard]] std::optional<model::ContainerSeen> stopped(const Inspected& container);
    void note_began(const Inspected& container);
    /// When its command began, if that was here.
    [[nodiscard]] std::optional<Time> began(const Inspected& container);

    void forget(const std::string& container);
    void forget_all_but(const std::set<std::string>& containers);

private:
    struct Held {
        std::shared_ptr<FirstProcess> process;
        bool stopping{false};
        std::optional<model::ContainerSeen> stopped;
        std::optional<Time> began;
    };
    [[nodiscard]] Held* find(const Inspected& container);

    std::mutex mutex_;
    std::map<std::string, Held> held_;  ///< By the engine's id of the container.
};

}  // namespace flocker::docker
