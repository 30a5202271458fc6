// SPDX-License-Identifier: Apache-2.0
#include "standby/commands.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>

#include "codec/json.hpp"
#include "standby/own_node.hpp"
#include "standby/takeover.hpp"
#include "usage/read_shape.hpp"

namespace flocker::standby {
namespace {

constexpr int failed = 1;
constexpr int refused = 2;

std::string name_of(const Situation& situation) {
    const auto& nodes = situation.own.members;
    const auto own = std::ranges::find(nodes, situation.own.node, &model::Node::id);
    return own == nodes.end() ? situation.own.node.value : own->name;
}

void print_table(const Situation& situation) {
    const auto row = [](const std::string& node, const model::ControlWord& word) {
        fmt::print("{:<14}  {:<8}  {:<16}  {}\n", node, "yes", word.serves ? "is there" : to_text(word.silence) + " ago",
                   word.copied.value);
    };
    fmt::print("{:<14}  {:<8}  {:<16}  {}\n", "NODE", "ANSWERS", "HEARD CONTROL", "COPY");
    row(name_of(situation), situation.own);
    for (const Asked& asked : situation.others) {
        if (asked.word) {
            row(asked.node.name, *asked.word);
        } else {
            fmt::print("{:<14}  {:<8}\n", asked.node.name, "no");
        }
    }
}

std::string json_of(const Situation& situation) {
    const auto text = [](model::ControlWord word) {
        word.members.clear();
        return codec::encode(word);
    };
    std::vector<std::string> words{text(situation.own)};
    for (const Asked& asked : situation.others) {
        if (asked.word) words.push_back(text(*asked.word));
    }
    std::vector<std::string> silent;
    for (const Asked& asked : situation.others) {
        if (!asked.word) silent.push_back(fmt::format("\"{}\"", asked.node.name));
    }
    return fmt::format("{{\"control\":{},\"nodes\":[{}],\"silent\":[{}]}}", codec::encode(situation.own.place),
                       fmt::join(words, ","), fmt::join(silent, ","));
}

int complain(const Error& error) {
    fmt::print(stderr, "flocker control: {}\n", error.message);
    return failed;
}

bool agrees() {
    fmt::print("\nTake over? [y/N] ");
    std::fflush(stdout);
    std::string line;
    return std::getline(std::cin, line) && (line == "y" || line == "Y" || line == "yes");
}

struct Wishes {
    std::string folder{"/etc/flocker"};
    bool yes{false};
    bool force{false};
    bool json{false};
};

int status(const Wishes& wishes) {
    const auto here = read_own_node(wishes.folder);
    if (!here) return complain(here.error());
    const auto situation = look(here->config, here->identity);
    if (!situation) return complain(situation.error());
    if (wishes.json) {
        fmt::print("{}\n", json_of(*situation));
        return 0;
    }
    fmt::print("The control service is at {}:{}.\n\n", situation->own.place.address, situation->own.place.port);
    print_table(*situation);
    return 0;
}

int takeover(const Wishes& wishes) {
    const auto here = read_own_node(wishes.folder);
    if (!here) return complain(here.error());
    const auto situation = look(here->config, here->identity);
    if (!situation) return complain(situation.error());
    const auto say = [](const std::string& text) { fmt::print(stderr, "flocker control takeover: {}\n", text); };
    for (const std::string& reason : situation->against) say(reason);
    for (const std::string& doubt : situation->doubts) say(doubt + (wishes.force ? "" : " (--force overrules this)"));
    if (!situation->against.empty() || (!situation->doubts.empty() && !wishes.force)) return refused;
    const std::string self = name_of(*situation);
    if (!wishes.json) {
        print_table(*situation);
        fmt::print("\nThe control service at {} has not been heard for {}. {} would take its place with the records of "
                   "revision {},\nas they were then. What was committed after that is lost, but for what the nodes' pools know "
                   "of owners.\n",
                   situation->own.place.address, to_text(situation->own.silence), self, situation->own.copied.value);
    }
    if (!wishes.yes && !agrees()) {
        say("nothing was changed");
        return refused;
    }
    const Status taken = take_over(here->config, {wishes.folder}, here->identity);
    if (!taken) return complain(taken.error());
    if (wishes.json) {
        fmt::print("{{\"control\":\"{}:{}\"}}\n", here->config.node.address, here->config.control.port);
    } else {
        fmt::print("{} is the control service now, at {}:{}. Agents and clients find it by themselves.\n"
                   "What ran on the lost machine: `flocker status`, `flocker failover APP`.\n",
                   self, here->config.node.address, here->config.control.port);
    }
    return 0;
}

struct ControlCommand {
    ControlCommand() {
        app.require_subcommand(1);
        const auto with_common = [&](CLI::App* command) {
            command->add_option("--config-dir", wishes.folder, "This node's configuration")
                ->type_name("FOLDER")
                ->capture_default_str();
            command->add_flag("--json", wishes.json, "Answer with one JSON object");
            return command;
        };
        with_common(app.add_subcommand("status", "What each node knows of the control service, and how new its copy is"));
        takes = with_common(app.add_subcommand("takeover", "Make this node the control service. Refused while the old one is "
                                                           "heard; when that returns, it steps down"));
        takes->add_flag("--yes,-y", wishes.yes, "Do not ask");
        takes->add_flag("--force", wishes.force, "Even if another node has a newer copy, or half of the nodes can't be reached");
    }

    CLI::App app{"The control service itself: where it is, and taking it over when its machine is lost. Each node has a copy\n"
                 "of the records, a moment old. Run on a node, as root.\n\n"
                 "  flocker control status\n"
                 "  flocker control takeover     on the node that is to be the control service from now on",
                 "flocker control"};
    Wishes wishes;
    CLI::App* takes{nullptr};
};

}  // namespace

usage::CommandShape control_shape() { return usage::shape_of(ControlCommand().app); }

int run_control(const std::vector<std::string>& arguments) {
    ControlCommand command;
    try {
        command.app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
    } catch (const CLI::ParseError& error) {
        return command.app.exit(error) == 0 ? 0 : refused;
    }
    return command.takes->parsed() ? takeover(command.wishes) : status(command.wishes);
}

}  // namespace flocker::standby
