// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <utility>
#include <vector>

#include "plan/view.hpp"

namespace flocker::protocol {

/// Tells, once each, that a replica has fallen behind its wished lag, that its snapshots were let go on a short
/// pool, that it is within its lag again, and that failovers are withheld because too many nodes are silent.
/// Soft: begins anew with the control service.
class LagWatch {
public:
    [[nodiscard]] std::vector<model::AddEvent> look(const plan::View& view);

private:
    struct Trouble {
        Instant since;
        bool told{false};
        bool let_go{false};  ///< That was told.
    };
    using Key = std::pair<model::SubjectId, model::NodeId>;

    std::map<Key, Trouble> behind_;
    bool withheld_{false};
};

}  // namespace flocker::protocol
