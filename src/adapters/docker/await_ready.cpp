// SPDX-License-Identifier: Apache-2.0
#include "adapters/docker/await_ready.hpp"

#include <algorithm>
#include <chrono>
#include <memory>
#include <vector>

#include "adapters/docker/container_queries.hpp"
#include "adapters/docker/log_frames.hpp"
#include "adapters/docker/readiness.hpp"

namespace flocker::docker {
namespace {

using Clock = std::chrono::steady_clock;

/// What a container that names neither a health check nor a port has to last.
constexpr Duration proof_of_life = 1s;
/// How long one step of asking a port may take.
constexpr Duration answer_limit = 500ms;
/// While a health check runs: how often to look whether the agent is stopping.
constexpr Duration closing_glance = 200ms;
/// From the end of its process until the engine says so.
constexpr Duration noticing_limit = 10s;

/// The time between two questions: short at first, since most are ready soon, then twice as long
/// each time, so that one that starts slowly is not kept busy with answering.
struct Pace {
    Duration next;
    Duration longest;
};
constexpr Pace port_pace{5ms, 50ms};
constexpr Pace health_pace{20ms, 200ms};

/// What is left to be asked of one container.
class Questions {
public:
    Questions(Api& api, const model::Application& application, const Inspected& container)
        : api_(api), container_(container) {
        if (container.health) return;
        for (const model::Port& port : application.ports) ports_.push_back(port.internal);
        alone_ = ports_.empty();
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
        return {};
    }

private:
    [[nodiscard]] Status has_lasted() const {
        const auto now = std::chrono::system_clock::now().time_since_epoch();
        const Duration age = Instant{std::chrono::duration_cast<Duration>(now).count()} - container_.seen.started;
        if (age >= proof_of_life) return {};
        return fail(ErrorCode::unavailable, "it has run for less than " + to_text(proof_of_life));
    }

    [[nodiscard]] Status run_health_check() {
        const std::string id = container_.seen.container;
        FLOCKER_TRY(const auto created, api_.call({.method = "POST",
                                                   .path = "/containers/" + id + "/exec",
                                                   .body = exec_body(container_.health->command)}));
        FLOCKER_TRY(const std::string exec, parse_exec_id(created.body));
        FLOCKER_TRY(const auto stream, api_.hijack("/exec/" + exec + "/start", R"({"Detach":false,"Tty":false})"));
        FLOCKER_TRY(const std::string output, read_to_end(*stream, container_.health->limit));
        FLOCKER_TRY(const int code, exec_code(exec));
        if (code == 0) return {};
        return fail(ErrorCode::unavailable,
                    "its health check ends with " + std::to_string(code) + (output.empty() ? "" : ": " + output));
    }

    /// The end of what the check said.
    [[nodiscard]] Result<std::string> read_to_end(posix::Stream& stream, Duration limit) const {
        const auto deadline = Clock::now() + limit;
        std::string output;
        LogFrames frames;
        std::vector<std::byte> buffer(4096);
        while (true) {
            const Duration left = std::chrono::duration_cast<Duration>(deadline - Clock::now());
            if (left <= Duration::zero() || api_.closed()) break;
            stream.set_idle_limit(std::min(left, closing_glance));
            const auto got = stream.read_some(buffer);
            if (!got && got.error().code == ErrorCode::timed_out) continue;
            if (!got) return tl::unexpected(got.error());
            if (*got == 0) return output.substr(0, output.find_last_not_of("\r\n") + 1);
            FLOCKER_CHECK_OK(
                frames.take(std::span(buffer).first(*got), [&](std::span<const std::byte> bytes) -> Status {
                    output.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
                    if (output.size() > 200) output.erase(0, output.size() - 200);
                    return {};
                }));
        }
        return fail(ErrorCode::unavailable, "its health check takes longer than " + to_text(limit));
    }

    /// The engine notes the exit code a little after the stream has ended.
    [[nodiscard]] Result<int> exec_code(const std::string& exec) {
        for (int tries = 0; tries < 200; ++tries) {
            FLOCKER_TRY(const auto answer, api_.call({.path = "/exec/" + exec + "/json"}));
            FLOCKER_TRY(const std::optional<int> code, parse_exec_code(answer.body));
            if (code) return *code;
            if (!api_.rest(5ms)) break;
        }
        return fail(ErrorCode::unavailable, "docker does not tell how its health check ended");
    }

    Api& api_;
    const Inspected& container_;
    std::vector<std::uint16_t> ports_;
    bool alone_{false};
};

tl::unexpected<Error> ended(Api& api, const Inspected& container) {
    return fail(ErrorCode::unavailable, container.seen.application.value + " ended with exit code " +
                                            std::to_string(container.seen.exit_code) +
                                            " before it was ready: " + last_words(api, container));
}

}  // namespace

Result<model::ContainerSeen> await_ready(Api& api, const model::Application& application) {
    const auto deadline = Clock::now() + ready_limit;
    FLOCKER_TRY(const Inspected container, inspect_ours(api, application.name));
    if (container.seen.status == model::ContainerSeen::Status::created) {
        return fail(ErrorCode::unavailable, application.name.value + " is not started");
    }
    if (!container.running) return ended(api, container);

    const ProcessWatch process(container.pid);
    Questions questions(api, application, container);
    Pace pace = questions.pace();
    while (true) {
        const Status answer = questions.ask();
        const Duration pause = answer ? Duration::zero() : pace.next;
        if (process.ends_within(pause)) {
            FLOCKER_TRY(const Inspected last, await_exit(api, application.name, noticing_limit));
            if (has_ended(last)) return ended(api, last);
            return fail(ErrorCode::unavailable,
                        application.name.value + ": its process " + std::to_string(last.pid) +
                            " can't be seen from here; run flockerd in the host's process namespace");
        }
        if (answer) break;
        if (api.closed()) return fail(ErrorCode::unavailable, application.name.value + ": the agent is stopping");
        if (Clock::now() > deadline) {
            return fail(ErrorCode::unavailable, application.name.value + " is not ready after " + to_text(ready_limit) +
                                                    ": " + answer.error().message);
        }
        pace.next = std::min(pace.next * 2, pace.longest);
    }
    model::ContainerSeen seen = container.seen;
    seen.ready = true;
    return seen;
}

}  // namespace flocker::docker
