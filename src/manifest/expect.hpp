// SPDX-License-Identifier: Apache-2.0
//
// How readers take values out of the tree. Each function reports what it doesn't find as it should
// be, and then gives nothing; a refused value gives nothing and reports nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "manifest/value.hpp"

namespace flocker::manifest {

/// A map of which all keys are known beforehand. Reports every other key when it is made.
/// Owns: nothing; `map` and `problems` outlive it.
class Fields {
public:
    /// `owner` begins each message: "application 'web'".
    Fields(const Value& map, std::string owner, std::vector<std::string_view> allowed, Problems& problems);

    /// nullptr: not there, or refused.
    [[nodiscard]] const Value* find(std::string_view key) const;
    /// Reports its absence, unless a refused key may have stood for it; `example` is what to write.
    [[nodiscard]] const Value* need(std::string_view key, std::string_view example) const;
    /// "application 'web': ports"
    [[nodiscard]] std::string name_of(std::string_view key) const;

private:
    void check_key(const Value& key) const;

    const Value& map_;
    std::string owner_;
    std::vector<std::string_view> allowed_;
    Problems& problems_;
};

struct Range {
    std::uint64_t min{0};
    std::uint64_t max{0};
};

/// `what` begins each message: "application 'web': image".
[[nodiscard]] bool expect_map(const Value& value, std::string_view what, std::string_view example, Problems& problems);
[[nodiscard]] bool expect_list(const Value& value, std::string_view what, std::string_view example, Problems& problems);
/// Text, in quotes or so plain that nobody takes it for something else.
[[nodiscard]] std::optional<std::string> expect_text(const Value& value, std::string_view what, Problems& problems);
/// A whole number as people write it: digits, without quotes, sign, leading zeros or point.
[[nodiscard]] std::optional<std::uint64_t> expect_number(const Value& value, std::string_view what, Range range,
                                                         Problems& problems);
[[nodiscard]] std::optional<bool> expect_truth_value(const Value& value, std::string_view what, Problems& problems);
/// A TCP port.
[[nodiscard]] std::optional<std::uint16_t> expect_port(const Value& value, std::string_view what, Problems& problems);
/// A UUID; given in lower case.
[[nodiscard]] std::optional<std::string> expect_uuid(const Value& value, std::string_view what, Problems& problems);
/// An absolute path other than '/', without '..'; given without doubled and trailing slashes.
[[nodiscard]] std::optional<std::string> expect_path(const Value& value, std::string_view what,
                                                     std::string_view example, Problems& problems);
/// Reports a `version` that is missing or not 1.
void expect_version(const Fields& fields, Problems& problems);

}  // namespace flocker::manifest
