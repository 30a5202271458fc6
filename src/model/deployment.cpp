// SPDX-License-Identifier: Apache-2.0
#include "model/deployment.hpp"

namespace flocker::model {

std::string to_text(const Place& place) {
    return std::visit(Overloaded{[](const NodeReference& node) { return node.value; },
                                 [](const DatacenterName& name) { return "datacenter:" + name.value; }},
                      place);
}

}  // namespace flocker::model
