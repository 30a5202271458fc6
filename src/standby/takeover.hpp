// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "adapters/tls/tls_stream.hpp"
#include "manifest/daemon_config.hpp"
#include "setup/layout.hpp"
#include "standby/asking.hpp"

namespace flocker::standby {

/// What is known on this node of the control service, by asking every member.
struct Situation {
    model::ControlWord own;    ///< What this node's flockerd says.
    std::vector<Asked> others;
    std::vector<std::string> against;  ///< Why it can not be taken over, each a sentence.
    std::vector<std::string> doubts;   ///< Why it had better not be; `--force` overrules.
};

/// Errors: unavailable (flockerd does not run here).
[[nodiscard]] Result<Situation> look(const manifest::DaemonConfig& config, const tls::TlsContext& identity);

/// Pure: fills in `against` and `doubts`.
void judge(Situation& situation);

/// This node is the control service from now on: flockerd begins anew as such by itself. After a failure it can be
/// called again. Returns when flockerd says that it serves.
/// Errors: unavailable, timed_out, corrupt.
[[nodiscard]] Status take_over(const manifest::DaemonConfig& config, const setup::ConfigFolder& folder,
                               const tls::TlsContext& identity);

}  // namespace flocker::standby
