// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "driver/alive.hpp"
#include "driver/trace.hpp"
#include "ports/assignment_cache.hpp"
#include "ports/container_engine.hpp"
#include "ports/control_link.hpp"
#include "ports/dataset_store.hpp"
#include "ports/loop.hpp"
#include "ports/replica_link.hpp"
#include "ports/router.hpp"
#include "protocol/agent.hpp"

namespace flocker::driver {

/// Runs the agent's machine over its ports: performs its effects, feeds the outcomes back, and
/// answers the other agents out of what the machine knows.
///
/// Threads: everything on the loop thread. The ports outlive this.
class AgentDriver final : public ports::ReplicaInbox {
public:
    struct Ports {
        ports::Loop& loop;
        ports::DatasetStore& datasets;
        ports::ContainerEngine& engine;
        ports::Router& router;
        ports::ReplicaLink& link;
        ports::ControlLink& control;
        ports::AssignmentCache& cache;
    };

    AgentDriver(Ports ports, protocol::Agent::Settings settings, Trace trace);
    AgentDriver(const AgentDriver&) = delete;
    AgentDriver& operator=(const AgentDriver&) = delete;

    void start();

    [[nodiscard]] Status admit(const ports::SnapshotOffer& offer) override;
    void received(const ports::SnapshotOffer& offer) override;
    [[nodiscard]] ports::Holdings holdings(const model::DatasetId& dataset) const override;
    [[nodiscard]] Status knows(const model::NodeId& node) const override { return agent_.knows(node); }

private:
    void feed(const protocol::Agent::Event& event);
    void perform(const protocol::Agent::Effect& effect);
    void observe_pool();
    void measure_pool();
    void arm();

    Ports ports_;
    Trace trace_;
    protocol::Agent agent_;
    std::optional<Instant> armed_;
    Alive alive_;
};

}  // namespace flocker::driver
