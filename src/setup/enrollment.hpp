// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "adapters/sqlite/token_store.hpp"
#include "adapters/tls/authority.hpp"
#include "adapters/tls/token.hpp"
#include "ports/enrollment.hpp"

namespace flocker::setup {

/// A fresh random UUID.
[[nodiscard]] std::string new_uuid();

/// Enrollment with the cluster's own CA, and tokens in SQLite.
class ClusterEnrollment final : public ports::Enrollment {
public:
    /// `tokens` outlives this. `clock`: wall time.
    ClusterEnrollment(sqlite::SqliteTokenStore& tokens, tls::Authority authority, std::vector<tls::Endpoint> control,
                      std::function<Instant()> clock);

    Result<std::string> create_token(Duration lifetime) override;
    Result<std::vector<ports::TokenEntry>> tokens() override;
    Status revoke_token(const std::string& id) override;
    Result<ports::JoinAnswer> enroll(const ports::JoinRequest& request) override;

private:
    sqlite::SqliteTokenStore& tokens_;
    tls::Authority authority_;
    std::vector<tls::Endpoint> control_;
    std::function<Instant()> clock_;
};

}  // namespace flocker::setup
