// SPDX-License-Identifier: Apache-2.0
#include "model/assignment.hpp"

#include <algorithm>

namespace flocker::model {

const char* to_string(Duty duty) {
    switch (duty) {
        case Duty::serve: return "serve";
        case Duty::seal: return "seal";
        case Duty::receive: return "receive";
        case Duty::trial: return "trial";
        case Duty::destroy: return "destroy";
        case Duty::release: return "release";
    }
    return "serve";
}

const char* to_string(Intent intent) {
    switch (intent) {
        case Intent::run: return "run";
        case Intent::prepare: return "prepare";
        case Intent::hold: return "hold";
        case Intent::stand_by: return "stand_by";
    }
    return "run";
}

void put_in_order(Assignment& assignment) {
    const auto name = [](const ApplicationAssignment& each) -> const ApplicationName& { return each.application.name; };
    std::ranges::stable_sort(assignment.datasets, {}, &DatasetAssignment::dataset);
    std::ranges::stable_sort(assignment.applications, {}, name);
}

}  // namespace flocker::model
