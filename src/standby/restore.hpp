// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "plan/takeover.hpp"
#include "standby/asking.hpp"
#include "standby/backup.hpp"

namespace flocker::standby {

/// What a restore would meet.
struct RestoreSituation {
    model::ControlPlace place;
    plan::Known known;                ///< What is known of the time after the backup.
    std::optional<model::Revision> own;  ///< Of the records that are here; nullopt: they can't be read.
    std::string own_fault;            ///< Why they can't be.
    std::vector<std::string> against;  ///< Why nothing can be restored here and now, each a sentence.
    std::vector<std::string> notes;    ///< What whoever asks for it should know.
};

/// Asks the other nodes, too. Changes nothing, but that this node learns where the control service is by now.
[[nodiscard]] RestoreSituation look_before_restore(const OwnNode& node, const Backup& backup);

/// Pure: fills in what others' words say of the time after the backup: `known` and `notes`.
void heed_words(RestoreSituation& situation, const Backup& backup, const std::vector<Asked>& words);

/// The backup is what this node's control service begins with from now on. It is put in force as a takeover is: what
/// the pools know is the truth. The records that were there are kept beside.
///
/// Crashing: the old records are in force, or the new ones, or flockerd refuses to begin and says that a restore broke
///           off; then it is done again.
/// Errors:   unavailable (flockerd runs, no room), corrupt; nothing has changed.
struct Restored {
    std::string set_aside;  ///< Where the former records are; empty: there were none.
    model::Revision revision;
};
[[nodiscard]] Result<Restored> restore(const OwnNode& node, const Backup& backup, const RestoreSituation& situation, Instant now);

}  // namespace flocker::standby
