// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <ostream>
#include <string>
#include <utility>

namespace flocker {

/// A value with a meaning of its own: a NodeId is not an ApplicationName, though both are text.
/// Conversion from and to the raw value is always written out.
template <class Tag, class Raw>
struct Strong {
    Raw value{};

    Strong() = default;
    explicit Strong(Raw raw) : value(std::move(raw)) {}

    friend auto operator<=>(const Strong&, const Strong&) = default;
    friend bool operator==(const Strong&, const Strong&) = default;
    friend std::ostream& operator<<(std::ostream& out, const Strong& strong) {
        return out << strong.value;
    }
};

/// A function object for std::visit, one call operator for each alternative.
template <class... Callables>
struct Overloaded : Callables... {
    using Callables::operator()...;
};
template <class... Callables>
Overloaded(Callables...) -> Overloaded<Callables...>;

}  // namespace flocker
