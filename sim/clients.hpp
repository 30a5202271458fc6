// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "sim/cluster.hpp"

namespace flocker::sim {

/// Clients of one application, one at each node: connect, write a few entries on the connection, close,
/// and again, all the time. What they were told is written down.
class Clients {
public:
    struct Tally {
        std::uint64_t acknowledged{0};
        std::uint64_t refused{0};
        std::uint64_t lost{0};
        Instant last_acknowledged;
    };

    Clients(Cluster& cluster, model::ApplicationName application, const model::ExternalPort& port);
    void start();
    /// Whoever writes now is the last.
    void rest() { resting_ = true; }
    [[nodiscard]] const Tally& tally() const { return tally_; }
    [[nodiscard]] const model::ApplicationName& application() const { return application_; }

private:
    void connect(const std::string& at);
    void write(const std::string& at, const Arrival& arrival, int left);
    void again(const std::string& at);

    Cluster& cluster_;
    model::ApplicationName application_;
    model::ExternalPort port_;
    bool resting_{false};
    std::uint64_t last_entry_{0};
    Tally tally_;
};

}  // namespace flocker::sim
