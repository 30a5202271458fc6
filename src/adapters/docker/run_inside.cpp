// SPDX-License-Identifier: Apache-2.0
#include "adapters/docker/run_inside.hpp"

#include <algorithm>
#include <chrono>
#include <memory>

#include "adapters/docker/log_frames.hpp"
#include "adapters/docker/messages.hpp"

namespace flocker::docker {
namespace {

using Clock = std::chrono::steady_clock;

/// While it runs: how often to look whether the agent is stopping.
constexpr Duration closing_glance = 200ms;
constexpr std::size_t output_max = 200;

Result<std::string> read_to_end(Api& api, posix::Stream& stream, Duration limit, const std::string& what) {
    const auto deadline = Clock::now() + limit;
    std::string output;
    LogFrames frames;
    std::vector<std::byte> buffer(4096);
    while (!api.closed()) {
        const Duration left = std::chrono::duration_cast<Duration>(deadline - Clock::now());
        if (left <= Duration::zero()) return fail(ErrorCode::unavailable, what + " takes longer than " + to_text(limit));
        stream.set_idle_limit(std::min(left, closing_glance));
        const auto got = stream.read_some(buffer);
        if (!got && got.error().code == ErrorCode::timed_out) continue;
        if (!got) return tl::unexpected(got.error());
        if (*got == 0) return output.substr(0, output.find_last_not_of("\r\n") + 1);
        FLOCKER_CHECK_OK(frames.take(std::span(buffer).first(*got), [&](std::span<const std::byte> bytes) -> Status {
            output.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
            if (output.size() > output_max) output.erase(0, output.size() - output_max);
            return {};
        }));
    }
    return fail(ErrorCode::unavailable, "the agent is stopping");
}

/// The engine notes the exit code a little after the stream has ended.
Result<int> exit_code(Api& api, const std::string& exec, const std::string& what) {
    for (int tries = 0; tries < 200; ++tries) {
        FLOCKER_TRY(const auto answer, api.call({.path = "/exec/" + exec + "/json"}));
        FLOCKER_TRY(const std::optional<int> code, parse_exec_code(answer.body));
        if (code) return *code;
        if (!api.rest(5ms)) break;
    }
    return fail(ErrorCode::unavailable, "docker does not tell how " + what + " ended");
}

}  // namespace

Result<Ran> run_inside(Api& api, const std::string& container, const std::vector<std::string>& command, Duration limit,
                       const std::string& what) {
    FLOCKER_TRY(const auto created, api.call({.method = "POST",
                                              .path = "/containers/" + container + "/exec",
                                              .body = exec_body(command)}));
    FLOCKER_TRY(const std::string exec, parse_exec_id(created.body));
    FLOCKER_TRY(const auto stream, api.hijack("/exec/" + exec + "/start", R"({"Detach":false,"Tty":false})"));
    Ran ran;
    FLOCKER_TRY(ran.output, read_to_end(api, *stream, limit, what));
    FLOCKER_TRY(ran.code, exit_code(api, exec, what));
    return ran;
}

}  // namespace flocker::docker
