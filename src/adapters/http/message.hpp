// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace flocker::http {

struct Header {
    std::string name;
    std::string value;
    friend bool operator==(const Header&, const Header&) = default;
};

/// The header lines of a message in their order. Names are compared without regard to case.
class Headers {
public:
    Headers() = default;
    Headers(std::initializer_list<Header> lines) : lines_(lines) {}

    /// The first line of that name; nullopt: none.
    [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const;
    /// Whether the comma-separated list of that name holds `token`: "Connection: keep-alive, Upgrade".
    [[nodiscard]] bool has_token(std::string_view name, std::string_view token) const;
    void add(std::string name, std::string value);
    /// Replaces every line of that name.
    void set(std::string_view name, std::string value);
    void erase(std::string_view name);

    [[nodiscard]] auto begin() const { return lines_.begin(); }
    [[nodiscard]] auto end() const { return lines_.end(); }
    [[nodiscard]] std::size_t size() const { return lines_.size(); }
    friend bool operator==(const Headers&, const Headers&) = default;

private:
    std::vector<Header> lines_;
};

struct Request {
    std::string method{"GET"};
    std::string target{"/"};  ///< Path and query, percent-encoded: "/v1/nodes?limit=3".
    Headers headers{};
    std::string body{};
    /// On the server: Stream::peer() of the connection that it came on.
    std::string peer{};

    friend bool operator==(const Request&, const Request&) = default;
};

struct Response {
    unsigned status{200};
    Headers headers{};
    std::string body{};

    friend bool operator==(const Response&, const Response&) = default;
};

/// "Not Found"; empty for a status that has no name.
[[nodiscard]] std::string_view reason(unsigned status);

/// Percent-encodes all but unreserved characters, for one part of a path or of a query.
[[nodiscard]] std::string percent_encode(std::string_view text);

}  // namespace flocker::http
