// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "usage/shape.hpp"

namespace flocker::usage {

/// What `command` takes, as its `--help` says. Hidden options and subcommands are left out.
[[nodiscard]] inline CommandShape shape_of(const CLI::App& command) {
    CommandShape shape;
    const std::string path = command.get_name();
    shape.name = path.substr(path.rfind(' ') + 1);
    shape.help = command.get_description();
    shape.example = command.get_footer();
    for (const CLI::Option* option : command.get_options()) {
        if (option->get_group().empty()) continue;
        OptionShape seen;
        for (const std::string& name : option->get_snames()) seen.names.push_back("-" + name);
        for (const std::string& name : option->get_lnames()) seen.names.push_back("--" + name);
        if (option->get_positional()) seen.place = option->get_name(true);
        const bool takes = option->get_items_expected_max() > 0;
        if (takes) seen.type = option->get_type_name();
        seen.help = option->get_description();
        seen.fallback = option->get_default_str();
        seen.required = option->get_required();
        seen.many = takes && option->get_items_expected_max() > 1;
        shape.options.push_back(std::move(seen));
    }
    for (const CLI::App* sub : command.get_subcommands([](const CLI::App*) { return true; })) {
        if (!sub->get_group().empty()) shape.subcommands.push_back(shape_of(*sub));
    }
    return shape;
}

}  // namespace flocker::usage
