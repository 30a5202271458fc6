// SPDX-License-Identifier: Apache-2.0
//
// Every node says where the control service is: GET /v1/control at its API port, with any of the cluster's
// certificates.
#pragma once

#include <string>
#include <vector>

#include "adapters/http/message.hpp"
#include "adapters/posix/stream.hpp"
#include "base/result.hpp"
#include "model/control.hpp"
#include "model/node.hpp"

namespace flocker::standby {

/// The certificate is a node's, or the control service's.
[[nodiscard]] bool may_say(const std::string& common_name);

/// Blocking, for at most a few seconds. `connector` accepts whom may_say() accepts.
/// Errors: as HttpClient; corrupt.
[[nodiscard]] Result<model::ControlWord> ask(const posix::Connector& connector, const std::string& address, std::uint16_t port);

struct Asked {
    model::Node node;
    Result<model::ControlWord> word;
};
/// All at once.
[[nodiscard]] std::vector<Asked> ask_all(const posix::Connector& connector, const std::vector<model::Node>& nodes,
                                         std::uint16_t port);

/// Header of the control service's answers, in which clients find whom to ask when it does not answer any more:
/// the members' addresses, with commas between.
inline constexpr const char* members_header = "Flocker-Nodes";
[[nodiscard]] std::string members_text(const std::vector<model::Node>& nodes);

/// Whether the request is the question.
[[nodiscard]] bool asks_for_control(const http::Request& request);
[[nodiscard]] http::Response answer(const http::Request& request, const model::ControlWord& word);

}  // namespace flocker::standby
