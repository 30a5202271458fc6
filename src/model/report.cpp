// SPDX-License-Identifier: Apache-2.0
#include "model/report.hpp"

namespace flocker::model {

const char* to_string(MoveStep step) {
    switch (step) {
        case MoveStep::hook: return "hook";
        case MoveStep::hold: return "hold";
        case MoveStep::stop: return "stop";
        case MoveStep::seal: return "seal";
        case MoveStep::increment: return "increment";
        case MoveStep::copy: return "copy";
        case MoveStep::start: return "start";
        case MoveStep::ready: return "ready";
        case MoveStep::open: return "open";
    }
    return "hook";
}

}  // namespace flocker::model
