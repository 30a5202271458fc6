// SPDX-License-Identifier: Apache-2.0
#include "model/application.hpp"

namespace flocker::model {

bool same_container(const Application& a, const Application& b) {
    const auto comparable = [](Application application) {
        application.restart_policy = {};
        application.before_move.reset();
        application.cutover = {};
        application.failover.reset();
        if (application.volume) {
            application.volume->maximum_size.reset();
            application.volume->replicas.reset();
            application.volume->lag.reset();
            application.volume->spread = {};
            application.volume->bandwidth.reset();
        }
        return application;
    };
    return comparable(a) == comparable(b);
}

const char* to_string(Spread spread) {
    switch (spread) {
        case Spread::datacenter: return "datacenter";
        case Spread::anywhere: return "anywhere";
    }
    return "datacenter";
}

const char* to_string(Failover failover) {
    switch (failover) {
        case Failover::manual: return "manual";
        case Failover::automatic: return "automatic";
    }
    return "manual";
}

const char* to_string(Cutover cutover) {
    switch (cutover) {
        case Cutover::stop: return "stop";
        case Cutover::freeze: return "freeze";
    }
    return "stop";
}

}  // namespace flocker::model
