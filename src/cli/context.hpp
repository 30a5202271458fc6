// SPDX-License-Identifier: Apache-2.0
//
// A context says where a cluster's control service is and who asks. It is a file, YAML or JSON:
//
//   control: 10.0.0.1:4523
//   ca: ca.pem                 a path, from the file's folder on, or the PEM text itself
//   certificate: ann.pem
//   key: ann.key
//
// /etc/flocker/context.json ("default") is written by `flocker init`; others lie in
// ~/.config/flocker/contexts/NAME.json, and ~/.config/flocker/current has the name of the one in use. Beside each lies
// a NAME.json.nodes, where it is remembered who the nodes are, in case that one of them takes the control service over.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace flocker::cli {

/// What it takes to speak to a cluster.
struct Access {
    std::string address;
    std::uint16_t port{4523};
    std::string authority;  ///< PEM, as the two below.
    std::string certificate;
    std::string key;
    /// Where it is remembered whom to ask when nobody answers at `address`; empty: nowhere.
    std::string memory{};

    friend bool operator==(const Access&, const Access&) = default;
};

struct ContextEntry {
    std::string name;
    std::string path;
    bool in_use{false};

    friend bool operator==(const ContextEntry&, const ContextEntry&) = default;
};

/// Where the contexts of one person lie.
class Contexts {
public:
    /// `user_folder` is ~/.config/flocker; empty: the person has no home.
    Contexts(std::string system_file, std::string user_folder)
        : system_file_(std::move(system_file)), user_folder_(std::move(user_folder)) {}

    /// By name, the default first.
    [[nodiscard]] std::vector<ContextEntry> list() const;
    /// `wished` is a name or a file; nullopt: the one in use.
    /// Errors: not_found, with what to do.
    [[nodiscard]] Result<ContextEntry> find(const std::optional<std::string>& wished) const;
    /// Errors: not_found (no such context), unavailable (disk).
    [[nodiscard]] Status use(const std::string& name) const;
    /// Keeps a whole context, keys included, readable by its person alone.
    /// Errors: invalid_argument (the name), already_exists, unavailable (disk).
    [[nodiscard]] Status add(const std::string& name, const Access& access) const;

private:
    [[nodiscard]] std::string folder() const { return user_folder_ + "/contexts"; }
    [[nodiscard]] std::string current() const;

    std::string system_file_;
    std::string user_folder_;
};

/// Errors: not_found, invalid_argument (each problem by line), unavailable (not readable).
[[nodiscard]] Result<Access> load_context(const std::string& path);
/// A context file with the PEM texts in it.
[[nodiscard]] std::string to_json(const Access& access);

}  // namespace flocker::cli
