// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "model/ids.hpp"
#include "model/node.hpp"

namespace flocker::model {

/// Where the control service is.
struct ControlPlace {
    std::string address;             ///< IPv4, of its node.
    std::uint16_t port{4523};        ///< Its REST API.
    std::uint16_t agent_port{4524};  ///< Where it talks with agents.
    /// How often it has been taken over; see plan/takeover.hpp. Of two places the one with more is right.
    std::uint64_t term{0};

    friend bool operator==(const ControlPlace&, const ControlPlace&) = default;
};

/// What a node says when it is asked for the control service.
struct ControlWord {
    NodeId node;  ///< Who says it.
    ControlPlace place;
    bool serves{false};   ///< It is there itself.
    Duration silence{};   ///< How long it has not heard the control service.
    Revision copied;      ///< Of the copy of the records that it has; 0: none.
    std::vector<Node> members;  ///< As it knows them.
    Instant now{};              ///< By its wall clock, when it said this; 0: it does not say.

    friend bool operator==(const ControlWord&, const ControlWord&) = default;
};

/// The first line of a backup of the records; see standby/backup.hpp.
struct BackupHead {
    std::uint64_t flocker_backup{1};  ///< The form of what follows.
    std::string authority;            ///< The fingerprint of the cluster's CA: which cluster it is of.
    Instant made;                     ///< By the clock of the node that made it.
    Revision revision;                ///< The last commit that is in it.

    friend bool operator==(const BackupHead&, const BackupHead&) = default;
};

}  // namespace flocker::model
