// SPDX-License-Identifier: Apache-2.0
#include "adapters/docker/containers.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <set>
#include <string_view>

#include "adapters/docker/container_queries.hpp"
#include "adapters/posix/error_text.hpp"
#include "model/names.hpp"

namespace flocker::docker {
namespace {

namespace names = model::names;
using Clock = std::chrono::steady_clock;
using Phase = model::ContainerSeen::Status;

/// The engine makes a file system and a network for it.
constexpr Duration slow_call_limit = 2min;
/// A registry may be slow to find.
constexpr Duration pull_idle_limit = 5min;
/// From the engine's word that a container has started until it waits at its gate.
constexpr Duration gate_limit = 30s;
constexpr Duration gate_glance_max = 20ms;
/// A container that ended by itself a moment ago: its exit code is worth that wait.
constexpr Duration exit_code_limit = 2s;

Status make_mount_point(const std::string& path) {
    std::error_code error;
    std::filesystem::create_directories(std::filesystem::path(path).parent_path(), error);
    if (::mkdir(path.c_str(), 0) == 0 || errno == EEXIST) return {};
    return fail(ErrorCode::unavailable, path + " can't be made: " + posix::reason_of(errno));
}

bool speaks_of(const Error& error, std::string_view words) {
    return error.message.find(words) != std::string::npos;
}

std::string path_of(const std::string& id, std::string_view what) {
    return "/containers/" + id + std::string(what);
}

}  // namespace

Containers::Containers(const Options& options)
    : api_(options.socket_path), network_(api_, options.subnet), gates_(options.gates, options.gate_program) {}

Result<ports::EngineSeen> Containers::observe() {
    ports::EngineSeen seen;
    FLOCKER_TRY(const auto list, api_.call({.path = "/containers/json?all=1&filters=" + our_containers_filter({})}));
    FLOCKER_TRY(const auto ids, parse_container_list(list.body));
    for (const std::string& id : ids) {
        const auto answer = api_.call({.path = path_of(id, "/json")});
        if (!answer && answer.error().code == ErrorCode::not_found) continue;
        if (!answer) return tl::unexpected(answer.error());
        FLOCKER_TRY(Inspected container, parse_container(answer->body));
        if (!container.is_ours()) continue;
        auto completed = complete(std::move(container));
        if (!completed && completed.error().code == ErrorCode::not_found) continue;
        if (!completed) return tl::unexpected(completed.error());
        seen.containers.push_back(std::move(completed->seen));
    }
    processes_.forget_all_but({ids.begin(), ids.end()});
    FLOCKER_TRY(const auto running, api_.call({.path = "/containers/json"}));
    FLOCKER_TRY(seen.published, parse_published(running.body));
    FLOCKER_TRY(const auto images, api_.call({.path = "/images/json"}));
    FLOCKER_TRY(seen.images, parse_image_list(images.body));
    return seen;
}

Containers::Seen Containers::perform(const model::ContainerAction& action) {
    return std::visit(
        Overloaded{[this](const model::CreateContainer& create_it) { return create(create_it.spec); },
                   [this](const model::StartContainer& start_it) { return start(start_it.application); },
                   [this](const model::ReleaseContainer& release_it) { return release(release_it.application); },
                   [this](const model::StopContainer& stop_it) { return stop(stop_it.application, stop_it.at_once); },
                   [this](const model::RemoveContainer& remove_it) { return remove(remove_it.application); },
                   [this](const model::AwaitReady& await_it) { return await_readiness(await_it.application); },
                   [this](const model::RunHook& hook) { return run_hook(hook.application, hook.command); }},
        action);
}

Status Containers::pull(const std::string& image) {
    const std::size_t colon = image.rfind(':');
    const std::size_t slash = image.rfind('/');
    const bool tagged = image.find('@') == std::string::npos && colon != std::string::npos &&
                        (slash == std::string::npos || colon > slash);
    std::string query = "fromImage=" + http::percent_encode(tagged ? image.substr(0, colon) : image);
    if (tagged) query += "&tag=" + http::percent_encode(image.substr(colon + 1));
    const auto answer = api_.call({.method = "POST", .path = "/images/create?" + query, .idle_limit = pull_idle_limit});
    const std::string reason = answer ? progress_error(answer->body) : answer.error().message;
    if (reason.empty()) return {};
    return fail(ErrorCode::unavailable, "image " + image + " can't be pulled: " + reason);
}

Result<Inspected> Containers::look(const model::ApplicationName& application) {
    FLOCKER_TRY(Inspected container, inspect_ours(api_, application));
    return complete(std::move(container));
}

Result<Inspected> Containers::complete(Inspected container) {
    if (!container.running || container.pid == 0) {
        processes_.forget(container.seen.container);
        return container;
    }
    const auto process = processes_.of(container);
    if (!process) {
        // Gone a moment ago, or out of sight: nothing says that its command has begun.
        if (container.gated) container.seen.status = Phase::waiting;
        return container;
    }
    if (process->has_ended()) {
        auto stopped = processes_.stopped(container);
        if (!stopped) return await_exit(api_, container.seen.application, exit_code_limit);
        container.seen = *std::move(stopped);
        return container;
    }
    if (container.gated && !process->has_passed(gate_inside)) container.seen.status = Phase::waiting;
    return container;
}

Result<std::optional<Gate>> Containers::gate_for(const model::ContainerSpec& spec) {
    const model::Application& application = spec.application;
    if (!application.gate) return std::nullopt;
    const auto image = api_.call({.path = "/images/" + image_in_path(application.image) + "/json"});
    if (!image && image.error().code == ErrorCode::not_found)
        return fail(ErrorCode::not_found, "image " + application.image + " is not on this node");
    if (!image) return tl::unexpected(image.error());
    Gate gate;
    FLOCKER_TRY(gate.image, parse_image_command(image->body));
    FLOCKER_TRY(gate.folder, gates_.prepare(application.name));
    return gate;
}

Containers::Seen Containers::create(const model::ContainerSpec& spec) {
    const model::Application& application = spec.application;
    if (application.volume && spec.volume_source.empty()) {
        return fail(ErrorCode::invalid_argument,
                    application.name.value + " has a volume, and no dataset is given for it");
    }
    // Docker refuses a source that is not there. Until the volume is mounted on it, the folder is empty
    // and nobody may write into it.
    if (application.volume) FLOCKER_CHECK_OK(make_mount_point(spec.volume_source));
    const auto gate = gate_for(spec);
    if (!gate) return fail_in(application.name.value, gate.error());
    const Call create_it{.method = "POST",
                         .path = "/containers/create?name=" + names::container(application.name),
                         .body = container_body(spec, *gate),
                         .idle_limit = slow_call_limit};
    auto created = network_.call(create_it);
    if (!created && created.error().code == ErrorCode::conflict) {
        FLOCKER_TRY(auto kept, keep_or_remove(spec));
        if (kept) return kept;
        created = network_.call(create_it);
    }
    if (created) {
        FLOCKER_TRY(Inspected container, look(application.name));
        return std::move(container.seen);
    }
    if (created.error().code == ErrorCode::not_found && speaks_of(created.error(), "image")) {
        return fail(ErrorCode::not_found,
                    application.name.value + ": image " + application.image + " is not on this node");
    }
    return fail_in(application.name.value, created.error());
}

Containers::Seen Containers::keep_or_remove(const model::ContainerSpec& spec) {
    const model::ApplicationName& application = spec.application.name;
    auto existing = look(application);
    if (!existing && existing.error().code == ErrorCode::not_found) return std::nullopt;
    if (!existing) return tl::unexpected(existing.error());
    const bool same = existing->seen.fingerprint == model::fingerprint(spec);
    if (existing->seen.status == Phase::running || existing->seen.status == Phase::waiting) {
        if (same) return std::move(existing->seen);
        return fail(ErrorCode::conflict, application.value + " is running with another specification; stop it first");
    }
    // The fingerprint leaves the address out. One that has ended is made anew: whoever asks for it to be
    // created wants it as the image has it.
    if (same && existing->seen.status == Phase::created && existing->seen.address == spec.address) {
        return std::move(existing->seen);
    }
    FLOCKER_CHECK_OK(delete_container(application, existing->seen.container));
    return std::nullopt;
}

Containers::Seen Containers::start(const model::ApplicationName& application) {
    FLOCKER_TRY(Inspected container, look(application));
    if (container.running && container.seen.status == Phase::exited) {
        FLOCKER_TRY(container, await_exit(api_, application, noticing_limit));
    }
    if (!container.running) {
        if (container.gated) FLOCKER_CHECK_OK(gates_.prepare(application));
        const auto started = network_.call(
            {.method = "POST", .path = path_of(container.seen.container, "/start"), .idle_limit = slow_call_limit});
        if (!started) {
            Error error = started.error();
            if (speaks_of(error, "Address already in use")) {
                error = {ErrorCode::conflict, "its address " + container.seen.address + " is another container's"};
            } else if (error.code != ErrorCode::timed_out) {
                // Whatever the engine says of a container that it has: it did not start.
                error.code = ErrorCode::unavailable;
            }
            return fail_in(application.value + " can't be started", std::move(error));
        }
        FLOCKER_TRY(container, look(application));
    }
    if (container.gated && container.seen.status != Phase::running) return await_gate(std::move(container));
    return std::move(container.seen);
}

Containers::Seen Containers::await_gate(Inspected container) {
    const model::ApplicationName application = container.seen.application;
    const std::string failed = application.value + " can't be started";
    const auto deadline = Clock::now() + gate_limit;
    const auto process = container.running ? processes_.of(container) : nullptr;
    Duration pause = 1ms;
    while (!has_ended(container)) {
        FLOCKER_TRY(const bool awaited, gates_.is_awaited(application));
        if (awaited) {
            container.seen.status = Phase::waiting;
            return std::move(container.seen);
        }
        if (api_.closed()) return fail(ErrorCode::unavailable, failed + ": the agent is stopping");
        if (Clock::now() > deadline) return fail(ErrorCode::unavailable, failed + ": it does not come to its gate");
        if (!process || process->ends_within(pause)) {
            FLOCKER_TRY(container, await_exit(api_, application, process ? noticing_limit : pause));
        }
        pause = std::min(pause * 2, gate_glance_max);
    }
    return fail(ErrorCode::unavailable, failed + ": it ended with " + how_it_ended(api_, container));
}

Status Containers::delete_container(const model::ApplicationName& application, const std::string& id) {
    // Anonymous volumes, which images ask for, go with it. Ours is a bind mount, and stays.
    for (bool noticed = false; true;) {
        const auto deleted =
            api_.call({.method = "DELETE", .path = path_of(id, "?v=1"), .idle_limit = slow_call_limit});
        if (deleted || deleted.error().code == ErrorCode::not_found) break;
        if (!noticed && speaks_of(deleted.error(), "running")) {
            FLOCKER_CHECK_OK(await_exit(api_, application, noticing_limit));
            noticed = true;
            continue;
        }
        const bool under_way = speaks_of(deleted.error(), "already in progress");
        if (!under_way || !api_.rest(20ms)) return fail_in(application.value + " can't be removed", deleted.error());
    }
    processes_.forget(id);
    return {};
}

Containers::Seen Containers::remove(const model::ApplicationName& application) {
    FLOCKER_TRY(const auto stopped, stop(application, false));
    if (stopped) FLOCKER_CHECK_OK(delete_container(application, stopped->container));
    FLOCKER_CHECK_OK(gates_.remove(application));
    return std::nullopt;
}

}  // namespace flocker::docker
