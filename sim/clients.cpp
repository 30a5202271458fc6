// SPDX-License-Identifier: Apache-2.0
#include "sim/clients.hpp"

namespace flocker::sim {

Clients::Clients(Cluster& cluster, model::ApplicationName application, const model::ExternalPort& port)
    : cluster_(cluster), application_(std::move(application)), port_(port) {}

void Clients::start() {
    for (const std::string& name : cluster_.names()) connect(name);
}

void Clients::again(const std::string& at) {
    cluster_.world.at(cluster_.world.between(10ms, 80ms), [this, at] { connect(at); });
}

void Clients::connect(const std::string& at) {
    if (resting_) return;
    if (!cluster_.host(at).powered()) {
        cluster_.world.at(500ms, [this, at] { connect(at); });
        return;
    }
    // One that hears nothing for long tries again, as drivers do; the late answer is then nobody's.
    auto answered = std::make_shared<bool>(false);
    const Duration patience = cluster_.world.chance(0.5) ? Duration{10s} : Duration{150s};
    cluster_.world.at(patience, [this, at, answered] {
        if (std::exchange(*answered, true)) return;
        ++tally_.lost;
        connect(at);
    });
    cluster_.connect(at, port_, [this, at, answered](const Arrival& arrival) {
        if (std::exchange(*answered, true)) return;
        switch (arrival.kind) {
            case Arrival::Kind::refused: ++tally_.refused; return again(at);
            case Arrival::Kind::lost: ++tally_.lost; return again(at);
            case Arrival::Kind::reached: return write(at, arrival, 3);
        }
    });
}

void Clients::write(const std::string& at, const Arrival& arrival, int left) {
    if (left == 0) return again(at);
    cluster_.world.at(cluster_.network.latency(), [this, at, arrival, left] {
        Host& host = cluster_.host(arrival.node);
        const std::string entry = application_.value + "-" + std::to_string(++last_entry_);
        const bool there = cluster_.network.connected(at, arrival.node);
        if (!there || !host.answers(arrival.container) || !host.engine.append(arrival.container, entry)) return again(at);
        ++tally_.acknowledged;
        tally_.last_acknowledged = cluster_.world.now();
        cluster_.world.at(cluster_.world.between(5ms, 30ms), [this, at, arrival, left] { write(at, arrival, left - 1); });
    });
}

}  // namespace flocker::sim
