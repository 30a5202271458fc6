// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <istream>
#include <map>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "api/client.hpp"
#include "base/time.hpp"
#include "cli/context.hpp"
#include "model/finding.hpp"
#include "usage/shape.hpp"

namespace flocker::cli {

/// A command that another room brings; it gets what stands after its name, also `--help`.
struct ExtraCommand {
    std::string name;
    std::string help;  ///< One line.
    std::function<int(const std::vector<std::string>& arguments)> run;
    std::function<usage::CommandShape()> shape{};  ///< What it takes, for shells and man pages.
};

/// What can be done only on a node itself, as root. `config`: the folder with its configuration.
struct OwnNode {
    std::function<Result<std::string>(const std::string& config)> name{};  ///< What people call it.
    std::function<Status(const std::string& config, const model::DatasetId& dataset, const std::string& snapshot,
                         const std::string& path)>
        mount{};
    std::function<Status(const std::string& path)> unmount{};
    std::function<std::vector<model::Finding>(const std::string& config)> examine{};
    /// Name -> text, without a secret: what somebody who helps needs of it.
    std::function<std::map<std::string, std::string>(const std::string& config)> diagnostics{};
    /// Writes an archive with the files in a folder of that name.
    std::function<Status(const std::string& path, const std::string& name, const std::map<std::string, std::string>& files)>
        pack{};
};

/// What the command line stands in. Everything it reads or waits for comes from here, but files.
struct World {
    std::istream& in;
    std::ostream& out;
    std::ostream& err;
    bool in_is_terminal{false};
    bool out_is_terminal{false};
    unsigned width{0};  ///< Of the terminal, in columns; 0: without limit.

    std::function<std::optional<std::string>(const std::string& variable)> environment{};
    std::function<Result<api::Transport>(const Access& access)> connect{};
    std::function<Instant()> now{};
    std::function<void(Duration)> rest{};
    /// From now on Ctrl-C writes this and ends the process with 130; empty: it just ends it.
    std::function<void(const std::string& farewell)> farewell{};
    std::vector<ExtraCommand> extra{};
    std::string system_context{"/etc/flocker/context.json"};
    OwnNode own_node{};
    /// From now on the process ends by itself, with 0, after so long.
    std::function<void(Duration)> end_within{};
};

/// Runs one command; the exit code. `arguments[0]` is the program's name: under a name that ends in
/// "flocker-deploy" the command is `deploy`.
[[nodiscard]] int run(const std::vector<std::string>& arguments, const World& world);

}  // namespace flocker::cli
