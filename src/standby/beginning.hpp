// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "adapters/tls/tls_stream.hpp"
#include "manifest/daemon_config.hpp"
#include "model/assignment.hpp"
#include "model/control.hpp"
#include "model/records.hpp"

namespace flocker::standby {

/// What a flockerd begins with.
struct Beginning {
    model::ControlPlace place;  ///< Where the control service is.
    /// Where the records are kept that this node has from the time when it was the control service; empty: none.
    std::string set_aside;
};

/// Looks where the control service is by now. Where that is this very node, its records are such as one may go on
/// with; what others have taken over meanwhile is asked first, also when they can't be read.
///
/// Errors: corrupt, unavailable, with the file and what to do: the records are damaged, gone, or older than what this
/// node has been told by them.
[[nodiscard]] Result<Beginning> begin(const manifest::DaemonConfig& config, const tls::TlsContext& identity);

/// Whether the control service can begin with the records that are here; nobody else is asked.
/// Errors: as begin().
[[nodiscard]] Status check_records(const manifest::DaemonConfig& config, const model::ControlPlace& place);

/// What the agent of this node was told last; nullopt: nothing yet, or it can't be read.
[[nodiscard]] std::optional<model::Assignment> last_told(const manifest::DaemonConfig& config);

/// Pure: whether a control service may go on with these records, nullopt being none, on a node that knows of this
/// term and was told this. Empty: yes; otherwise what is wrong with them.
[[nodiscard]] std::string what_is_wrong(const std::optional<model::Records>& records, std::uint64_t term,
                                        const std::optional<model::Assignment>& told);

}  // namespace flocker::standby
