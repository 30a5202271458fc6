// SPDX-License-Identifier: Apache-2.0
#include "model/port.hpp"

namespace flocker::model {

const char* to_string(Protocol protocol) {
    switch (protocol) {
        case Protocol::tcp: return "tcp";
        case Protocol::udp: return "udp";
    }
    return "tcp";
}

std::string to_text(const ExternalPort& port) {
    return std::to_string(port.number) + (port.protocol == Protocol::udp ? "/udp" : "");
}

std::ostream& operator<<(std::ostream& out, const ExternalPort& port) {
    return out << to_text(port);
}

}  // namespace flocker::model
