// SPDX-License-Identifier: Apache-2.0
#include "model/application.hpp"

namespace flocker::model {

bool same_container(const Application& a, const Application& b) {
    const auto comparable = [](Application application) {
        application.restart_policy = {};
        if (application.volume) {
            application.volume->maximum_size.reset();
            application.volume->replicas.reset();
        }
        return application;
    };
    return comparable(a) == comparable(b);
}

}  // namespace flocker::model
