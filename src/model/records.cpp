// SPDX-License-Identifier: Apache-2.0
#include "model/records.hpp"

#include <algorithm>

namespace flocker::model {

SubjectId subject_of(const Application& application) {
    return SubjectId{application.volume ? application.volume->dataset.value : "app:" + application.name.value};
}

const char* to_string(MovePhase phase) {
    switch (phase) {
        case MovePhase::staging: return "staging";
        case MovePhase::sealing: return "sealing";
        case MovePhase::trial: return "trial";
        case MovePhase::settling: return "settling";
    }
    return "staging";
}

const MoveResult* last_move(const Ownership& ownership) {
    return ownership.moves.empty() ? nullptr : &ownership.moves.back();
}

const char* to_string(EventKind kind) {
    switch (kind) {
        case EventKind::deployed: return "deployed";
        case EventKind::node_joined: return "node_joined";
        case EventKind::node_removed: return "node_removed";
        case EventKind::move_started: return "move_started";
        case EventKind::move_phase: return "move_phase";
        case EventKind::move_finished: return "move_finished";
        case EventKind::move_failed: return "move_failed";
        case EventKind::volume_created: return "volume_created";
        case EventKind::volume_destroyed: return "volume_destroyed";
        case EventKind::application_failed: return "application_failed";
        case EventKind::node_lost: return "node_lost";
        case EventKind::node_back: return "node_back";
        case EventKind::failed_over: return "failed_over";
        case EventKind::lag_broken: return "lag_broken";
        case EventKind::lag_met: return "lag_met";
        case EventKind::replica_added: return "replica_added";
        case EventKind::replica_removed: return "replica_removed";
        case EventKind::data_set_aside: return "data_set_aside";
        case EventKind::aside_removed: return "aside_removed";
        case EventKind::replica_differs: return "replica_differs";
        case EventKind::stranger_found: return "stranger_found";
        case EventKind::settings_changed: return "settings_changed";
        case EventKind::node_draining: return "node_draining";
        case EventKind::node_activated: return "node_activated";
        case EventKind::failover_withheld: return "failover_withheld";
        case EventKind::control_taken_over: return "control_taken_over";
        case EventKind::pool_knew_better: return "pool_knew_better";
        case EventKind::snapshots_let_go: return "snapshots_let_go";
        case EventKind::records_restored: return "records_restored";
    }
    return "deployed";
}

void apply(const Change& change, Records& records) {
    std::visit(Overloaded{
                   [&](const PutNode& put) { records.nodes[put.node.id] = put.node; },
                   [&](const EraseNode& erase) { records.nodes.erase(erase.node); },
                   [&](const PutWanted& put) { records.configuration[put.wanted.application.name] = put.wanted; },
                   [&](const EraseWanted& erase) { records.configuration.erase(erase.application); },
                   [&](const PutOwnership& put) {
                       records.ownerships[put.ownership.subject] = put.ownership;
                       if (put.ownership.move) {
                           records.last_move = std::max(records.last_move, put.ownership.move->id.value);
                       }
                       records.last_move = std::max(records.last_move, put.ownership.won_by.value);
                   },
                   [&](const EraseOwnership& erase) { records.ownerships.erase(erase.subject); },
                   [&](const PutSettings& put) { records.settings = put.settings; },
                   [&](const PutTakeover& put) { records.takeover = put.takeover; },
                   [](const AddEvent&) {},
               },
               change);
}

}  // namespace flocker::model
