// SPDX-License-Identifier: Apache-2.0
//
// What is done to containers that have been started.
#include <algorithm>
#include <chrono>
#include <csignal>

#include "adapters/docker/await_ready.hpp"
#include "adapters/docker/container_queries.hpp"
#include "adapters/docker/containers.hpp"
#include "adapters/docker/run_inside.hpp"

namespace flocker::docker {
namespace {

using Clock = std::chrono::steady_clock;
using Phase = model::ContainerSeen::Status;

/// After SIGKILL the kernel has to tear everything down: on a busy disk that takes a while.
constexpr Duration kill_limit = 1min;
constexpr Duration hook_limit = 10min;
constexpr Duration release_limit = 10s;
constexpr Duration release_glance_max = 10ms;
/// How often to look whether the agent is stopping.
constexpr Duration closing_glance = 200ms;

Instant wall_clock() {
    return {std::chrono::duration_cast<Duration>(std::chrono::system_clock::now().time_since_epoch()).count()};
}

tl::unexpected<Error> not_killed(const Inspected& container) {
    return fail(ErrorCode::unavailable, container.seen.application.value + " has a process that can't be killed (pid " +
                                            std::to_string(container.pid) + ")");
}

}  // namespace

Containers::Seen Containers::release(const model::ApplicationName& application) {
    const std::string failed = application.value + " is not released";
    FLOCKER_TRY(Inspected container, look(application));
    if (container.seen.status == Phase::created) return fail(ErrorCode::unavailable, failed + ": it is not started");
    const auto process = container.running ? processes_.of(container) : nullptr;
    if (container.seen.status == Phase::exited || (container.gated && !process)) {
        FLOCKER_TRY(container, await_exit(api_, application, noticing_limit));
        const std::string reason =
            has_ended(container) ? "it ended with " + how_it_ended(api_, container) : unseen_process(container);
        return fail(ErrorCode::unavailable, failed + ": " + reason);
    }
    if (container.seen.status == Phase::running) return std::move(container.seen);

    if (container.volume) {
        const Status right = sees_volume(*process, container.volume->source, container.volume->mountpoint);
        if (!right) return fail_in(failed, right.error());
    }
    const auto deadline = Clock::now() + release_limit;
    bool opened = false;
    Duration pause = 1ms;
    while (true) {
        // Once more if it had been about to look again just then, and missed it.
        FLOCKER_TRY(const bool open, gates_.open(application, *process));
        opened = opened || open;
        if (process->has_passed(gate_inside)) {
            processes_.note_began(container);
            container.seen.status = Phase::running;
            return std::move(container.seen);
        }
        if (process->ends_within(pause)) break;
        if (api_.closed()) return fail(ErrorCode::unavailable, failed + ": the agent is stopping");
        if (Clock::now() > deadline) return fail(ErrorCode::unavailable, failed + ": it does not come through its gate");
        pause = std::min(pause * 2, release_glance_max);
    }
    FLOCKER_TRY(container, await_exit(api_, application, noticing_limit));
    // A command that has done its work at once has begun, too.
    if (opened && has_ended(container) && container.seen.exit_code == 0) return std::move(container.seen);
    return fail(ErrorCode::unavailable, application.value + " ended with " + how_it_ended(api_, container));
}

Result<bool> Containers::ends_within(const FirstProcess& process, Duration limit) const {
    const auto deadline = Clock::now() + limit;
    while (true) {
        const auto left = std::chrono::duration_cast<Duration>(deadline - Clock::now());
        if (process.ends_within(std::min(left, closing_glance))) return true;
        if (left <= Duration::zero()) return false;
        if (api_.closed()) return fail(ErrorCode::unavailable, "the agent is stopping");
    }
}

Containers::Seen Containers::stop(const model::ApplicationName& application, bool at_once) {
    auto found = look(application);
    // What is not there has no process.
    if (!found && found.error().code == ErrorCode::not_found) return std::nullopt;
    if (!found) return tl::unexpected(found.error());
    Inspected container = *std::move(found);
    if (has_ended(container) || container.seen.status == Phase::exited) return std::move(container.seen);
    const auto process = processes_.of(container);
    const auto number = at_once ? SIGKILL : signal_number(container.stop_signal);
    if (process && number && !container.paused) return stop_process(container, *process, *number);
    return stop_by_engine(std::move(container), at_once);
}

Containers::Seen Containers::stop_process(const Inspected& container, const FirstProcess& process, int signal) {
    const std::string& name = container.seen.application.value;
    const auto sent = [&](int number) -> Status {
        if (process.send(number)) return {};
        return fail(ErrorCode::unavailable, name + " can't be sent signal " + std::to_string(number));
    };
    processes_.note_stopping(container);
    FLOCKER_CHECK_OK(sent(signal));
    bool ended = false;
    if (signal != SIGKILL) {
        FLOCKER_TRY(ended, ends_within(process, container.grace));
    }
    if (!ended) {
        FLOCKER_CHECK_OK(sent(SIGKILL));
        FLOCKER_TRY(ended, ends_within(process, kill_limit));
    }
    if (!ended) return not_killed(container);
    auto seen = processes_.stopped(container);
    if (seen) return seen;
    // The engine was faster.
    FLOCKER_TRY(Inspected last, look(container.seen.application));
    return std::move(last.seen);
}

Containers::Seen Containers::stop_by_engine(Inspected container, bool at_once) {
    const model::ApplicationName application = container.seen.application;
    const std::string id = container.seen.container;
    if (!at_once) {
        if (Status sent = signal(id, container.stop_signal); !sent) return fail_in(application.value, sent.error());
        FLOCKER_TRY(container, await_exit(api_, application, container.grace));
    }
    if (!has_ended(container)) {
        if (Status sent = signal(id, "SIGKILL"); !sent) return fail_in(application.value, sent.error());
        FLOCKER_TRY(container, await_exit(api_, application, kill_limit));
    }
    if (has_ended(container)) return std::move(container.seen);
    return not_killed(container);
}

Status Containers::signal(const std::string& id, const std::string& name) {
    const auto sent =
        api_.call({.method = "POST", .path = "/containers/" + id + "/kill?signal=" + http::percent_encode(name)});
    const bool ended = !sent && sent.error().code == ErrorCode::conflict &&
                       sent.error().message.find("is not running") != std::string::npos;
    if (sent || ended) return {};
    return tl::unexpected(sent.error());
}

Containers::Seen Containers::await_readiness(const model::Application& application) {
    FLOCKER_TRY(Inspected container, look(application.name));
    const std::string& name = application.name.value;
    if (container.seen.status == Phase::created) return fail(ErrorCode::unavailable, name + " is not started");
    if (container.seen.status == Phase::waiting) return fail(ErrorCode::unavailable, name + " waits at its gate");
    if (container.seen.status == Phase::exited) {
        FLOCKER_TRY(container, await_exit(api_, application.name, noticing_limit));
        return fail(ErrorCode::unavailable,
                    name + " ended with " + how_it_ended(api_, container, " before it was ready"));
    }
    const auto now = Clock::now();
    auto began = container.gated ? now : now - (wall_clock() - container.seen.started);
    if (container.gated) began = processes_.began(container).value_or(now);
    FLOCKER_TRY(auto seen, await_ready(api_, application, container, processes_.of(container), began));
    return seen;
}

Containers::Seen Containers::run_hook(const model::ApplicationName& application,
                                      const std::vector<std::string>& command) {
    const std::string failed = "the hook of " + application.value;
    FLOCKER_TRY(Inspected container, look(application));
    if (container.seen.status != Phase::running) {
        return fail(ErrorCode::unavailable, failed + " is not run: the application does not run");
    }
    const auto ran = run_inside(api_, container.seen.container, command, hook_limit, "it");
    if (!ran) return fail(ErrorCode::unavailable, failed + ": " + ran.error().message);
    if (ran->code != 0) {
        return fail(ErrorCode::unavailable, failed + " ends with " + std::to_string(ran->code) +
                                                (ran->output.empty() ? "" : ": " + ran->output));
    }
    return std::move(container.seen);
}

}  // namespace flocker::docker
