// SPDX-License-Identifier: Apache-2.0
//
// A backup of the control service's records: a text of four lines, JSON each.
//
//   {"flocker_backup":1,"authority":"<fingerprint of the CA>","made":<ns>,"revision":<n>}
//   the records
//   the events, oldest first
//   {"sha256":"<of the three lines before, with their ends>"}
//
// It holds the values of environment variables, and no key.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "model/control.hpp"
#include "model/records.hpp"
#include "standby/own_node.hpp"

namespace flocker::standby {

struct Backup {
    model::BackupHead head;
    model::Records records;
    std::vector<model::Event> events;

    friend bool operator==(const Backup&, const Backup&) = default;
};

inline constexpr std::size_t backup_max = std::size_t{48} << 20U;

[[nodiscard]] std::string to_text(const Backup& backup);
/// All of it is checked. Errors: invalid_argument (no backup, of a newer Flocker, cut off or changed since it was made).
[[nodiscard]] Result<Backup> parse_backup(std::string_view text);

/// One state of the records, whole.
struct BackupTaken {
    Backup backup;
    /// The control service did not answer, so that it is from a file of this node; why. Empty: it is of this moment.
    std::string from_file;
};
/// From the control service, wherever it is; if it does not answer, from what this node has.
/// Errors: unavailable, corrupt (neither is to be had).
[[nodiscard]] Result<BackupTaken> take_backup(const OwnNode& node, Instant now);

}  // namespace flocker::standby
