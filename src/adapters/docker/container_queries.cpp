// SPDX-License-Identifier: Apache-2.0
#include "adapters/docker/container_queries.hpp"

#include <algorithm>
#include <chrono>

#include "adapters/docker/log_frames.hpp"
#include "model/names.hpp"

namespace flocker::docker {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::uint32_t last_words_lines = 5;
constexpr std::size_t last_words_bytes_max = 1000;
/// Between two looks at a container that the engine is about to see ended.
constexpr Duration look_again = 5ms;

}  // namespace

std::optional<Duration> killed_after(const Inspected& container, const FirstProcess& process) {
    const auto signal = signal_number(container.stop_signal);
    if (!signal || process.heeds(*signal).value_or(true)) return std::nullopt;
    return container.grace;
}

Result<Inspected> inspect_ours(Api& api, const model::ApplicationName& application) {
    const std::string name = model::names::container(application);
    const auto answer = api.call({.path = "/containers/" + name + "/json"});
    if (!answer && answer.error().code == ErrorCode::not_found) {
        return fail(ErrorCode::not_found, application.value + " has no container on this node");
    }
    if (!answer) return fail_in(application.value, answer.error());
    auto container = parse_container(answer->body);
    if (!container) return fail_in(application.value, container.error());
    if (!container->is_ours() || container->seen.application != application) {
        return fail(ErrorCode::conflict,
                    application.value + ": the container " + name + " is not one of flocker's; remove or rename it");
    }
    return container;
}

Result<Inspected> await_exit(Api& api, const model::ApplicationName& application, Duration limit) {
    const auto deadline = Clock::now() + limit;
    while (true) {
        FLOCKER_TRY(Inspected container, inspect_ours(api, application));
        const Duration left = std::chrono::duration_cast<Duration>(deadline - Clock::now());
        if (has_ended(container) || left <= Duration::zero()) return container;
        const auto waited = api.call({.method = "POST",
                                      .path = "/containers/" + container.seen.container + "/wait?condition=not-running",
                                      .idle_limit = left});
        // An error ends the loop by the next inspection, or by the deadline.
        if (!waited && !api.rest(look_again)) return tl::unexpected(waited.error());
    }
}

std::string how_it_ended(Api& api, const Inspected& container, const std::string& when) {
    return "exit code " + std::to_string(container.seen.exit_code) + when + ": " + last_words(api, container);
}

std::string unseen_process(const Inspected& container) {
    return "its process " + std::to_string(container.pid) +
           " can't be seen from here; run flockerd in the host's process namespace";
}

Status read_logs(Api& api, const Inspected& container, std::uint32_t tail_lines, bool follow, const ports::Sink& sink) {
    LogFrames frames;
    const ports::Sink unframed = [&](std::span<const std::byte> bytes) { return frames.take(bytes, sink); };
    FLOCKER_CHECK_OK(api.call({.path = "/containers/" + container.seen.container + "/logs?stdout=1&stderr=1&tail=" +
                                       std::to_string(tail_lines) + "&follow=" + (follow ? "1" : "0"),
                               .sink = container.tty ? sink : unframed,
                               .idle_limit = follow ? Duration::zero() : Duration(30s)}));
    return {};
}

std::string last_words(Api& api, const Inspected& container) {
    std::string words;
    const Status read =
        read_logs(api, container, last_words_lines, false, [&](std::span<const std::byte> bytes) -> Status {
            words.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
            return {};
        });
    if (!read) return "its log can't be read: " + read.error().message;
    while (!words.empty() && (words.back() == '\n' || words.back() == '\r')) words.pop_back();
    if (words.empty()) return "it logged nothing";
    if (words.size() > last_words_bytes_max) words.erase(0, words.size() - last_words_bytes_max);
    std::string line;
    for (const char c : words) {
        if (c == '\n') {
            line += " | ";
        } else if (static_cast<unsigned char>(c) >= ' ') {
            line += c;
        }
    }
    return line;
}

}  // namespace flocker::docker
