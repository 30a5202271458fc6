// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "api/client.hpp"
#include "cli/run.hpp"
#include "cli/table.hpp"

namespace flocker::cli {

namespace exit_code {
inline constexpr int done = 0;
inline constexpr int failed = 1;
inline constexpr int refused = 2;  ///< Wrong usage, or input that can't be taken.
}  // namespace exit_code

/// What every command takes.
struct GlobalOptions {
    std::optional<std::string> context;  ///< A name or a file.
    bool json{false};
    bool no_trunc{false};
};

/// One run of one command.
class Session {
public:
    Session(const World& world, GlobalOptions options) : world_(world), options_(std::move(options)) {}

    [[nodiscard]] const World& world() const { return world_; }
    [[nodiscard]] bool json() const { return options_.json; }
    [[nodiscard]] Look look() const;
    [[nodiscard]] Contexts contexts() const;
    /// The context that was asked for, or the one in use.
    [[nodiscard]] Result<ContextEntry> context() const;
    [[nodiscard]] Result<api::Client> connect() const;

    std::ostream& out() const { return world_.out; }
    std::ostream& err() const { return world_.err; }
    /// Says the error; the exit code.
    int fail_with(const Error& error) const;
    /// Asks on the terminal; false as well if nobody can be asked.
    [[nodiscard]] bool agrees(const std::string& question) const;
    /// A line that was typed, without its end; nullopt: none came.
    [[nodiscard]] std::optional<std::string> ask(const std::string& question) const;

private:
    const World& world_;
    GlobalOptions options_;
};

}  // namespace flocker::cli
