// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "model/node.hpp"

namespace flocker::ports {

/// A join token as it may be shown: without its secret.
struct TokenEntry {
    std::string id;  ///< Short; names the token in `flocker token ls|revoke`.
    Instant created;
    Instant expires;
    std::string used_by;  ///< The node that joined with it; empty: nobody yet.
    bool revoked{false};
};

/// What a machine sends to become a node.
struct JoinRequest {
    std::string token;    ///< The whole join token.
    std::string request;  ///< Certificate signing request, PEM.
    model::Node node;     ///< As it introduces itself; the id is chosen by the cluster.
};
/// What it gets.
struct JoinAnswer {
    model::Node node;         ///< With its id.
    std::string certificate;  ///< PEM.
    std::string authority;    ///< The CA's certificate, PEM.
};

/// Who may become a member: tokens, and certificates signed by the cluster's CA.
///
/// Threads: blocking (a little: one small durable write); call from any thread but the loop.
class Enrollment {
public:
    virtual ~Enrollment() = default;
    /// The whole token, to be pasted into `flocker join`. Shown this once; only its digest is kept.
    virtual Result<std::string> create_token(Duration lifetime) = 0;
    virtual Result<std::vector<TokenEntry>> tokens() = 0;
    /// not_found.
    virtual Status revoke_token(const std::string& id) = 0;
    /// Uses the token up and signs; denied with the reason (unknown, expired, revoked, used).
    virtual Result<JoinAnswer> enroll(const JoinRequest& request) = 0;
};

}  // namespace flocker::ports
