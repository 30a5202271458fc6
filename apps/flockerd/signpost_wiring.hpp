// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "adapters/http/server.hpp"
#include "standby/follower.hpp"

namespace flocker {

/// What a node without the control service has at the API's port: it says where the control service is, and keeps
/// itself fit to become it.
class SignpostWiring {
public:
    [[nodiscard]] static Result<std::unique_ptr<SignpostWiring>> open(const standby::Watching& watching);
    SignpostWiring(const standby::Watching& watching, std::unique_ptr<posix::Listener> listener);

    void stop();

private:
    [[nodiscard]] http::Answer answer(const http::Request& request) const;

    model::ControlPlace place_;
    std::unique_ptr<posix::Listener> listener_;
    standby::Follower follower_;
    http::HttpServer server_;
};

}  // namespace flocker
