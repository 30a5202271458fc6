// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <cstdint>
#include <ostream>
#include <string>

namespace flocker::model {

enum class Protocol : std::uint8_t { tcp, udp };
[[nodiscard]] const char* to_string(Protocol protocol);

/// A number at which every node of the cluster answers. A number alone is TCP's; UDP has numbers of its own.
struct ExternalPort {
    std::uint16_t number{0};
    Protocol protocol{Protocol::tcp};

    ExternalPort() = default;
    ExternalPort(std::uint16_t tcp) : number(tcp) {}  // NOLINT: nearly all are TCP's.
    ExternalPort(std::uint16_t one, Protocol of) : number(one), protocol(of) {}
    friend auto operator<=>(const ExternalPort&, const ExternalPort&) = default;
};
/// "5432", "53/udp"
[[nodiscard]] std::string to_text(const ExternalPort& port);
std::ostream& operator<<(std::ostream& out, const ExternalPort& port);

/// A port of the container, and the port at which every node of the cluster answers for it.
struct Port {
    std::uint16_t internal{0};
    std::uint16_t external{0};
    Protocol protocol{Protocol::tcp};

    friend auto operator<=>(const Port&, const Port&) = default;
};
[[nodiscard]] inline ExternalPort external_of(const Port& port) {
    return {port.external, port.protocol};
}

/// A port of a node that somebody else has.
struct TakenPort {
    std::uint16_t number{0};
    Protocol protocol{Protocol::tcp};
    std::string by;  ///< "nginx", "container web"; empty: not known.

    friend auto operator<=>(const TakenPort&, const TakenPort&) = default;
};

}  // namespace flocker::model
