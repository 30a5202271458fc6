// SPDX-License-Identifier: Apache-2.0
#include "adapters/docker/network.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <string_view>
#include <utility>

#include "adapters/docker/messages.hpp"
#include "adapters/posix/fd.hpp"
#include "model/names.hpp"

namespace flocker::docker {
namespace {

namespace names = model::names;

constexpr Duration create_limit = 2min;
/// With the kernel's second a client that asks for the address of a container that has just been
/// started would wait for a second when the first question is lost.
constexpr std::string_view address_retry_ms = "20";

void hasten_address_resolution() {
    const std::string path = std::string("/proc/sys/net/ipv4/neigh/") + names::bridge + "/retrans_time_ms";
    const posix::Fd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    // Where it can't be set (another network namespace, a read-only /proc) all works, only later.
    if (file && ::write(file.get(), address_retry_ms.data(), address_retry_ms.size()) < 0) return;
}

}  // namespace

Network::Network(Api& api, std::string subnet) : api_(api), subnet_(std::move(subnet)) {}

Result<http::Response> Network::call(const Call& call) {
    FLOCKER_CHECK_OK(ensure());
    auto answer = api_.call(call);
    const std::string missing = std::string("network ") + names::network + " not found";
    if (answer || answer.error().message.find(missing) == std::string::npos) return answer;
    forget();
    FLOCKER_CHECK_OK(ensure());
    return api_.call(call);
}

Status Network::ensure() {
    const std::lock_guard lock(mutex_);
    if (!known_) {
        if (Status made = create(); !made) return fail_in(std::string("network ") + names::network, made.error());
        known_ = true;
    }
    // Each time: the bridge is made anew whenever the engine starts.
    hasten_address_resolution();
    return {};
}

void Network::forget() {
    const std::lock_guard lock(mutex_);
    known_ = false;
}

Status Network::create() {
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
        {.method = "POST", .path = "/networks/create", .body = network_body(subnet_), .idle_limit = create_limit}));
    return {};
}

}  // namespace flocker::docker
