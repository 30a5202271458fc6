// SPDX-License-Identifier: Apache-2.0
#include "adapters/docker/held_processes.hpp"

#include <utility>

namespace flocker::docker {

std::shared_ptr<FirstProcess> HeldProcesses::of(const Inspected& container) {
    const std::lock_guard lock(mutex_);
    const auto held = held_.find(container.seen.container);
    if (held != held_.end() && held->second.process->pid() == container.pid) return held->second.process;
    auto found = FirstProcess::find(container.pid, container.seen.container);
    if (found) held_[container.seen.container] = {found, std::nullopt, std::nullopt};
    return found;
}

void HeldProcesses::note_stopped(const model::ContainerSeen& seen) {
    const std::lock_guard lock(mutex_);
    const auto held = held_.find(seen.container);
    if (held != held_.end()) held->second.stopped = seen;
}

std::optional<model::ContainerSeen> HeldProcesses::stopped(const Inspected& container) const {
    const std::lock_guard lock(mutex_);
    const auto held = held_.find(container.seen.container);
    if (held == held_.end() || held->second.process->pid() != container.pid) return std::nullopt;
    return held->second.stopped;
}

void HeldProcesses::note_began(const Inspected& container) {
    const std::lock_guard lock(mutex_);
    const auto held = held_.find(container.seen.container);
    if (held != held_.end()) held->second.began = std::chrono::steady_clock::now();
}

std::optional<HeldProcesses::Time> HeldProcesses::began(const Inspected& container) const {
    const std::lock_guard lock(mutex_);
    const auto held = held_.find(container.seen.container);
    if (held == held_.end() || held->second.process->pid() != container.pid) return std::nullopt;
    return held->second.began;
}

void HeldProcesses::forget(const std::string& container) {
    const std::lock_guard lock(mutex_);
    held_.erase(container);
}

void HeldProcesses::forget_all_but(const std::set<std::string>& containers) {
    const std::lock_guard lock(mutex_);
    std::erase_if(held_, [&](const auto& entry) { return !containers.contains(entry.first); });
}

}  // namespace flocker::docker
