// SPDX-License-Identifier: Apache-2.0
#include "signpost_wiring.hpp"

#include <fmt/format.h>

#include "standby/asking.hpp"

namespace flocker {

Result<std::unique_ptr<SignpostWiring>> SignpostWiring::open(const standby::Watching& watching) {
    FLOCKER_TRY(auto listener,
                watching.identity.listen("0.0.0.0", watching.config.control.port, tls::ClientCertificates::required));
    return std::make_unique<SignpostWiring>(watching, std::move(listener));
}

SignpostWiring::SignpostWiring(const standby::Watching& watching, std::unique_ptr<posix::Listener> listener)
    : place_(watching.place),
      listener_(std::move(listener)),
      follower_(watching),
      server_(*listener_, [this](const http::Request& request) { return answer(request); }) {}

void SignpostWiring::stop() { server_.stop(); }

http::Answer SignpostWiring::answer(const http::Request& request) const {
    if (standby::asks_for_control(request)) return standby::answer(request, follower_.word());
    http::Response elsewhere;
    elsewhere.status = 307;
    elsewhere.headers.add("Location", fmt::format("https://{}:{}{}", place_.address, place_.port, request.target));
    elsewhere.headers.add("Content-Type", "application/json");
    elsewhere.body = fmt::format("{{\"error\":\"the control service is at {}:{}\"}}\n", place_.address, place_.port);
    return elsewhere;
}

}  // namespace flocker
