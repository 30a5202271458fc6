// SPDX-License-Identifier: Apache-2.0
#include "adapters/docker/held_processes.hpp"

#include <algorithm>
#include <utility>

namespace flocker::docker {

HeldProcesses::Held* HeldProcesses::find(const Inspected& container) {
    const auto held = held_.find(container.seen.container);
    return held != held_.end() && held->second.process->pid() == container.pid ? &held->second : nullptr;
}

std::shared_ptr<FirstProcess> HeldProcesses::of(const Inspected& container) {
    const std::lock_guard lock(mutex_);
    if (const Held* held = find(container)) return held->process;
    auto found = FirstProcess::find(container.pid, container.seen.container);
    if (found) held_[container.seen.container] = Held{.process = found, .stopped = {}, .began = {}};
    return found;
}

void HeldProcesses::note_stopping(const Inspected& container) {
    const std::lock_guard lock(mutex_);
    if (Held* held = find(container)) held->stopping = true;
}

std::optional<model::ContainerSeen> HeldProcesses::stopped(const Inspected& container) {
    const std::lock_guard lock(mutex_);
    Held* held = find(container);
    if (held == nullptr || !held->stopping) return std::nullopt;
    if (!held->stopped) {
        const auto now = std::chrono::system_clock::now().time_since_epoch();
        held->stopped = container.seen;
        held->stopped->status = model::ContainerSeen::Status::exited;
        held->stopped->finished = std::max(Instant{std::chrono::duration_cast<Duration>(now).count()}, container.seen.started);
    }
    return held->stopped;
}

void HeldProcesses::note_began(const Inspected& container) {
    const std::lock_guard lock(mutex_);
    if (Held* held = find(container)) held->began = std::chrono::steady_clock::now();
}

std::optional<HeldProcesses::Time> HeldProcesses::began(const Inspected& container) {
    const std::lock_guard lock(mutex_);
    const Held* held = find(container);
    return held == nullptr ? std::nullopt : held->began;
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
