// SPDX-License-Identifier: Apache-2.0
#include "adapters/docker/docker_streams.hpp"

#include <utility>

#include "adapters/docker/api.hpp"
#include "adapters/docker/container_queries.hpp"
#include "adapters/docker/messages.hpp"

namespace flocker::docker {
namespace {

/// The engine says nothing while it unpacks or packs a large layer.
constexpr Duration image_idle_limit = 10min;

}  // namespace

DockerStreams::DockerStreams(std::string socket_path) : api_(std::make_unique<Api>(std::move(socket_path))) {}

DockerStreams::~DockerStreams() = default;

void DockerStreams::close() {
    api_->close();
}

Result<bool> DockerStreams::has_image(const std::string& image) {
    const auto answer = api_->call({.path = "/images/" + image_in_path(image) + "/json"});
    if (answer) return true;
    if (answer.error().code == ErrorCode::not_found) return false;
    return fail_in("image " + image, answer.error());
}

Status DockerStreams::export_image(const std::string& image, const ports::Sink& sink) {
    FLOCKER_TRY(const bool here, has_image(image));
    if (!here) return fail(ErrorCode::not_found, "image " + image + " is not on this node");
    const auto answer =
        api_->call({.path = "/images/" + image_in_path(image) + "/get", .sink = sink, .idle_limit = image_idle_limit});
    if (!answer) return fail_in("image " + image, answer.error());
    return {};
}

Status DockerStreams::import_image(const ports::Source& source) {
    const auto answer = api_->call(
        {.method = "POST", .path = "/images/load?quiet=1", .source = source, .idle_limit = image_idle_limit});
    if (!answer) return tl::unexpected(answer.error());
    const std::string reason = progress_error(answer->body);
    if (reason.empty()) return {};
    return fail(ErrorCode::corrupt, "docker can't load the image: " + reason);
}

Status DockerStreams::logs(const model::ApplicationName& application, std::uint32_t tail_lines, bool follow,
                           const ports::Sink& sink) {
    FLOCKER_TRY(const Inspected container, inspect_ours(*api_, application));
    return read_logs(*api_, container, tail_lines, follow, sink);
}

}  // namespace flocker::docker
