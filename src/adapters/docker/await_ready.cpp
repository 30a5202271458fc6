// SPDX-License-Identifier: Apache-2.0
#include "adapters/docker/await_ready.hpp"

#include <algorithm>
#include <vector>

#include "adapters/docker/container_queries.hpp"
#include "adapters/docker/readiness.hpp"
#include "adapters/docker/run_inside.hpp"

namespace flocker::docker {
namespace {

using Clock = std::chrono::steady_clock;

/// What a container that names neither a health check nor a port has to last.
constexpr Duration proof_of_life = 1s;
/// How long one step of asking a port may take.
constexpr Duration answer_limit = 500ms;

/// The time between two questions: a part of what has been waited for already, so that the answer is noticed
/// soon after it is there, and one that starts slowly is not kept busy with answering.
struct Pace {
    Duration shortest;
    Duration longest;
    [[nodiscard]] Duration after(Duration waited) const { return std::clamp(waited / 8, shortest, longest); }
};
constexpr Pace port_pace{2ms, 50ms};
constexpr Pace health_pace{20ms, 200ms};

/// What is left to be asked of one container.
class Questions {
public:
    Questions(Api& api, const model::Application& application, const Inspected& container, Clock::time_point began)
        : api_(api), container_(container), began_(began) {
        if (container.health) return;
        for (const model::Port& port : application.ports) {
            (port.protocol == model::Protocol::udp ? udp_ports_ : ports_).push_back(port.internal);
        }
        alone_ = application.ports.empty();
    }

    [[nodiscard]] Pace pace() const { return container_.health ? health_pace : port_pace; }

    /// Success: ready. What is asked once and answered well is not asked again.
    [[nodiscard]] Status ask() {
        if (container_.health) return run_health_check();
        if (alone_) return has_lasted();
        while (!ports_.empty()) {
            const std::uint16_t port = ports_.back();
            FLOCKER_CHECK_OK(ask_whether_ready(container_.seen.address, port, protocol_of(port), answer_limit));
            ports_.pop_back();
        }
        for (const std::uint16_t port : udp_ports_) {
            if (listens_for_datagrams(container_.pid, port)) continue;
            return fail(ErrorCode::unavailable, "nobody listens at its port " + std::to_string(port) + "/udp");
        }
        return {};
    }

private:
    [[nodiscard]] Status has_lasted() const {
        if (Clock::now() - began_ >= proof_of_life) return {};
        return fail(ErrorCode::unavailable, "it has run for less than " + to_text(proof_of_life));
    }

    [[nodiscard]] Status run_health_check() {
        FLOCKER_TRY(const Ran ran, run_inside(api_, container_.seen.container, container_.health->command,
                                              container_.health->limit, "its health check"));
        if (ran.code == 0) return {};
        return fail(ErrorCode::unavailable, "its health check ends with " + std::to_string(ran.code) +
                                                (ran.output.empty() ? "" : ": " + ran.output));
    }

    Api& api_;
    const Inspected& container_;
    const Clock::time_point began_;
    std::vector<std::uint16_t> ports_;
    std::vector<std::uint16_t> udp_ports_;
    bool alone_{false};
};

}  // namespace

Result<model::ContainerSeen> await_ready(Api& api, const model::Application& application, const Inspected& container,
                                         const std::shared_ptr<FirstProcess>& process, Clock::time_point began) {
    const auto asked = Clock::now();
    const std::string& name = application.name.value;
    Questions questions(api, application, container, began);
    while (true) {
        const Status answer = questions.ask();
        const Duration waited = Clock::now() - asked;
        const Duration pause = answer ? Duration::zero() : questions.pace().after(waited);
        if (!process || process->ends_within(pause)) {
            FLOCKER_TRY(const Inspected last, await_exit(api, application.name, noticing_limit));
            if (has_ended(last)) {
                return fail(ErrorCode::unavailable, name + " ended with " + how_it_ended(api, last, " before it was ready"));
            }
            return fail(ErrorCode::unavailable, name + ": " + unseen_process(last));
        }
        if (answer) break;
        if (api.closed()) return fail(ErrorCode::unavailable, name + ": the agent is stopping");
        if (waited > ready_limit) {
            return fail(ErrorCode::unavailable,
                        name + " is not ready after " + to_text(ready_limit) + ": " + answer.error().message);
        }
    }
    model::ContainerSeen seen = container.seen;
    seen.ready = true;
    // By now it has set up what it does at a signal.
    if (process) seen.killed_after = killed_after(container, *process);
    return seen;
}

}  // namespace flocker::docker
