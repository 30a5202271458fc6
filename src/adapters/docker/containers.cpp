// SPDX-License-Identifier: Apache-2.0
#include "adapters/docker/containers.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <string_view>

#include "adapters/docker/await_ready.hpp"
#include "adapters/docker/container_queries.hpp"
#include "adapters/docker/messages.hpp"
#include "adapters/posix/error_text.hpp"
#include "adapters/posix/fd.hpp"
#include "model/names.hpp"

namespace flocker::docker {
namespace {

namespace names = model::names;
using Phase = model::ContainerSeen::Status;

Status make_mount_point(const std::string& path) {
    std::error_code error;
    std::filesystem::create_directories(std::filesystem::path(path).parent_path(), error);
    if (::mkdir(path.c_str(), 0) == 0 || errno == EEXIST) return {};
    return fail(ErrorCode::unavailable, path + " can't be made: " + posix::reason_of(errno));
}

/// After SIGKILL the kernel has to tear everything down and the engine to notice: on a busy disk
/// that takes a while.
constexpr Duration kill_limit = 1min;
/// The engine makes a file system and a network for it.
constexpr Duration slow_call_limit = 2min;
/// A registry may be slow to find.
constexpr Duration pull_idle_limit = 5min;

/// With the kernel's second a client that asks for the address of a container that has just been
/// started would wait for a second when the first question is lost.
constexpr std::string_view address_retry_ms = "20";

void hasten_address_resolution() {
    const std::string path = std::string("/proc/sys/net/ipv4/neigh/") + names::bridge + "/retrans_time_ms";
    const posix::Fd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    // Where it can't be set (another network namespace, a read-only /proc) all works, only later.
    if (file && ::write(file.get(), address_retry_ms.data(), address_retry_ms.size()) < 0) return;
}

bool speaks_of(const Error& error, std::string_view words) {
    return error.message.find(words) != std::string::npos;
}

std::string path_of(const std::string& id, std::string_view what) {
    return "/containers/" + id + std::string(what);
}

}  // namespace

Containers::Containers(std::string socket_path, std::string subnet)
    : subnet_(std::move(subnet)), api_(std::move(socket_path)) {}

Result<ports::EngineSeen> Containers::observe() {
    ports::EngineSeen seen;
    FLOCKER_TRY(const auto list, api_.call({.path = "/containers/json?all=1&filters=" + our_containers_filter({})}));
    FLOCKER_TRY(const auto ids, parse_container_list(list.body));
    for (const std::string& id : ids) {
        const auto answer = api_.call({.path = path_of(id, "/json")});
        if (!answer && answer.error().code == ErrorCode::not_found) continue;
        if (!answer) return tl::unexpected(answer.error());
        FLOCKER_TRY(Inspected container, parse_container(answer->body));
        if (container.is_ours()) seen.containers.push_back(std::move(container.seen));
    }
    FLOCKER_TRY(const auto images, api_.call({.path = "/images/json"}));
    FLOCKER_TRY(seen.images, parse_image_list(images.body));
    return seen;
}

Containers::Seen Containers::perform(const model::ContainerAction& action) {
    return std::visit(
        Overloaded{[this](const model::CreateContainer& create_it) { return create(create_it.spec); },
                   [this](const model::StartContainer& start_it) { return start(start_it.application); },
                   [this](const model::StopContainer& stop_it) { return stop(stop_it.application); },
                   [this](const model::RemoveContainer& remove_it) { return remove(remove_it.application); },
                   [this](const model::AwaitReady& await_it) -> Seen {
                       FLOCKER_TRY(auto seen, await_ready(api_, await_it.application));
                       return seen;
                   }},
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

Containers::Seen Containers::looks_like(const model::ApplicationName& application) {
    FLOCKER_TRY(Inspected container, inspect_ours(api_, application));
    return std::move(container.seen);
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
    const Call create_it{.method = "POST",
                         .path = "/containers/create?name=" + names::container(application.name),
                         .body = container_body(spec),
                         .idle_limit = slow_call_limit};
    auto created = call_with_network(create_it);
    if (!created && created.error().code == ErrorCode::conflict) {
        FLOCKER_TRY(auto kept, keep_or_remove(spec));
        if (kept) return kept;
        created = call_with_network(create_it);
    }
    if (created) return looks_like(application.name);
    if (created.error().code == ErrorCode::not_found && speaks_of(created.error(), "image")) {
        return fail(ErrorCode::not_found,
                    application.name.value + ": image " + application.image + " is not on this node");
    }
    return fail_in(application.name.value, created.error());
}

Containers::Seen Containers::keep_or_remove(const model::ContainerSpec& spec) {
    const model::ApplicationName& application = spec.application.name;
    auto existing = inspect_ours(api_, application);
    if (!existing && existing.error().code == ErrorCode::not_found) return std::nullopt;
    if (!existing) return tl::unexpected(existing.error());
    const bool same = existing->seen.fingerprint == model::fingerprint(spec);
    if (existing->seen.status == Phase::running) {
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
    FLOCKER_TRY(Inspected container, inspect_ours(api_, application));
    if (container.running) return std::move(container.seen);
    const auto started = call_with_network(
        {.method = "POST", .path = path_of(container.seen.container, "/start"), .idle_limit = slow_call_limit});
    if (started) return looks_like(application);
    Error error = started.error();
    if (speaks_of(error, "Address already in use")) {
        error = {ErrorCode::conflict, "its address " + container.seen.address + " is another container's"};
    } else if (error.code != ErrorCode::timed_out) {
        // Whatever the engine says of a container that it has: it did not start.
        error.code = ErrorCode::unavailable;
    }
    return fail_in(application.value + " can't be started", std::move(error));
}

Status Containers::signal(const std::string& id, const std::string& name) {
    const auto sent = api_.call({.method = "POST", .path = path_of(id, "/kill?signal=" + http::percent_encode(name))});
    if (sent || (sent.error().code == ErrorCode::conflict && speaks_of(sent.error(), "is not running"))) return {};
    return tl::unexpected(sent.error());
}

Containers::Seen Containers::stop(const model::ApplicationName& application) {
    auto found = inspect_ours(api_, application);
    // What is not there has no process.
    if (!found && found.error().code == ErrorCode::not_found) return std::nullopt;
    if (!found) return tl::unexpected(found.error());
    Inspected container = *std::move(found);
    if (has_ended(container)) return std::move(container.seen);
    const std::string id = container.seen.container;
    if (Status sent = signal(id, container.stop_signal); !sent) return fail_in(application.value, sent.error());
    FLOCKER_TRY(container, await_exit(api_, application, container.grace));
    if (!has_ended(container)) {
        if (Status sent = signal(id, "SIGKILL"); !sent) return fail_in(application.value, sent.error());
        FLOCKER_TRY(container, await_exit(api_, application, kill_limit));
    }
    if (has_ended(container)) return std::move(container.seen);
    return fail(ErrorCode::unavailable,
                application.value + " has a process that can't be killed (pid " + std::to_string(container.pid) + ")");
}

Status Containers::delete_container(const model::ApplicationName& application, const std::string& id) {
    // Anonymous volumes, which images ask for, go with it. Ours is a bind mount, and stays.
    while (true) {
        const auto deleted =
            api_.call({.method = "DELETE", .path = path_of(id, "?v=1"), .idle_limit = slow_call_limit});
        if (deleted || deleted.error().code == ErrorCode::not_found) return {};
        const bool under_way = speaks_of(deleted.error(), "already in progress");
        if (!under_way || !api_.rest(20ms)) return fail_in(application.value + " can't be removed", deleted.error());
    }
}

Containers::Seen Containers::remove(const model::ApplicationName& application) {
    const auto stopped = stop(application);
    if (!stopped || !*stopped) return stopped;
    FLOCKER_CHECK_OK(delete_container(application, (*stopped)->container));
    return std::nullopt;
}

Result<http::Response> Containers::call_with_network(const Call& call) {
    FLOCKER_CHECK_OK(ensure_network());
    auto answer = api_.call(call);
    if (answer || !speaks_of(answer.error(), std::string("network ") + names::network + " not found")) return answer;
    forget_network();
    FLOCKER_CHECK_OK(ensure_network());
    return api_.call(call);
}

Status Containers::ensure_network() {
    const std::lock_guard lock(network_mutex_);
    if (!network_known_) {
        if (Status made = create_network(); !made)
            return fail_in(std::string("network ") + names::network, made.error());
        network_known_ = true;
    }
    // Each time: the bridge is made anew whenever the engine starts.
    hasten_address_resolution();
    return {};
}

void Containers::forget_network() {
    const std::lock_guard lock(network_mutex_);
    network_known_ = false;
}

Status Containers::create_network() {
    const std::string path = std::string("/networks/") + names::network;
    const auto existing = api_.call({.path = path});
    if (existing) {
        FLOCKER_TRY(const NetworkSeen seen, parse_network(existing->body));
        if (seen.driver == "bridge" && seen.subnet == subnet_ && seen.bridge == names::bridge) return {};
        if (!seen.ours) return fail(ErrorCode::conflict, "it is not one of flocker's; remove or rename it");
        // One of ours that no running container uses can be made as it should be.
        const auto deleted = api_.call({.method = "DELETE", .path = path});
        if (!deleted) {
            return fail(ErrorCode::conflict, "it has subnet " + seen.subnet + " in place of " + subnet_ +
                                                 " and can't be replaced: " + deleted.error().message);
        }
    } else if (existing.error().code != ErrorCode::not_found) {
        return tl::unexpected(existing.error());
    }
    FLOCKER_CHECK_OK(api_.call(
        {.method = "POST", .path = "/networks/create", .body = network_body(subnet_), .idle_limit = slow_call_limit}));
    return {};
}

}  // namespace flocker::docker
