// SPDX-License-Identifier: Apache-2.0
#include "model/application.hpp"

namespace flocker::model {

bool same_container(const Application& a, const Application& b) {
    const auto comparable = [](Application application) {
        application.restart_policy = {};
        application.before_move.reset();
        application.cutover = {};
        if (application.volume) {
            application.volume->maximum_size.reset();
            application.volume->replicas.reset();
        }
        return application;
    };
    return comparable(a) == comparable(b);
}

const char* to_string(Cutover cutover) {
    switch (cutover) {
        case Cutover::stop: return "stop";
        case Cutover::freeze: return "freeze";
    }
    return "stop";
}

}  // namespace flocker::model
