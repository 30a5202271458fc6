// SPDX-License-Identifier: Apache-2.0
#include "cli/applications.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "cli/progress.hpp"
#include "cli/replicas_text.hpp"
#include "cli/text.hpp"

namespace flocker::cli {
namespace {

using api::ApplicationEntry;
using api::ApplicationState;

Cell state_cell(const ApplicationEntry& application, Instant now) {
    switch (application.state) {
        case ApplicationState::running:
            return {application.settled ? "running" : "running, routes not open everywhere",
                    application.settled ? Tone::good : Tone::busy};
        case ApplicationState::finished: return {"finished", Tone::plain};
        case ApplicationState::exited:
            return {fmt::format("exited ({})", application.container ? application.container->exit_code : 0),
                    Tone::bad};
        case ApplicationState::moving: return {progress_text(application, nullptr, now), Tone::busy};
        case ApplicationState::waiting:
            if (application.avoided_node)
                return {fmt::format("move to {} was given up", *application.avoided_node), Tone::bad};
            return {fmt::format("waiting to move to {}", application.wanted_node), Tone::busy};
        case ApplicationState::node_lost: return {"node does not answer", Tone::bad};
        case ApplicationState::starting: return {application.promoting ? "taking over" : "starting", Tone::busy};
        case ApplicationState::stopping: return {"stopping", Tone::busy};
    }
    return {""};
}

Cell alive_cell(const api::NodeEntry& node) {
    const std::string draining = node.applications.empty() ? "drained" : "draining";
    if (node.alive) return node.draining ? Cell{draining, Tone::busy} : Cell{"alive", Tone::good};
    const std::string text =
        node.heard_ago ? fmt::format("lost, heard of {} ago", age_text(*node.heard_ago)) : "not heard of yet";
    return {node.draining ? text + ", " + draining : text, Tone::bad};
}

Cell pool_cell(const api::NodeEntry& node) {
    if (node.pool_size.value == 0) return "";
    const std::string text = fmt::format("{} free of {}", to_text(node.pool_free), to_text(node.pool_size));
    return node.pool_short ? Cell{text + ", short", Tone::bad} : Cell{text};
}

/// What a person may do for applications that wait for a lost node.
std::string failovers_text(const api::StatusDocument& status) {
    std::string text;
    for (const ApplicationEntry& application : status.applications) {
        const bool waits =
            application.state == ApplicationState::node_lost && application.failover == model::Failover::manual;
        if (!waits) continue;
        text += printable(fmt::format("{} waits for {}; `flocker failover {} --dry-run` says who could take over",
                                      application.name, application.owner_node, application.name)) +
                "\n";
    }
    return text.empty() ? "" : "\n" + text;
}

std::string problems_text(const api::StatusDocument& status, const Look& look) {
    std::string failing;
    std::string found;
    for (const api::NodeEntry& node : status.nodes) {
        for (const api::ProblemEntry& problem : node.problems) {
            const std::string age = age_text(status.now - problem.since);
            const std::string found_when = age == "now" ? "just now" : age + " ago";
            const std::string tries = problem.attempts == 1 ? "tried once" : fmt::format("tried {} times", problem.attempts);
            const std::string line =
                printable(fmt::format("  {} on {}: {} ({})", problem.subject, node.name, problem.error.message,
                                      problem.attempts == 0 ? found_when : fmt::format("{}, since {}", tries, age)));
            (problem.attempts == 0 ? found : failing) += (look.width > 0 ? cut(line, look.width) : line) + "\n";
        }
    }
    const auto under = [&](const char* heading, const std::string& lines) {
        return lines.empty() ? "" : "\n" + toned(heading, Tone::bad, look) + "\n" + lines;
    };
    return under("What does not work", failing) + under("What somebody else did", found);
}

}  // namespace

std::string nodes_text(const std::vector<api::NodeEntry>& nodes, const Look& look) {
    if (nodes.empty())
        return "No nodes yet; `flocker init` makes the first, `flocker token create` lets others join.\n";
    const bool limited = std::ranges::any_of(nodes, [](const auto& node) { return node.bandwidth.has_value(); });
    std::vector<std::string> head{"NODE", "ADDRESS", "DATA CENTER", "STATE", "POOL", "APPLICATIONS"};
    if (limited) head.emplace_back("BANDWIDTH");
    Table table(std::move(head));
    for (const api::NodeEntry& node : nodes) {
        std::vector<Cell> row{node.name, node.address, node.datacenter, alive_cell(node), pool_cell(node),
                              fmt::format("{}", fmt::join(node.applications, ", "))};
        if (limited) row.emplace_back(node.bandwidth ? to_text(*node.bandwidth) : "");
        table.add(std::move(row));
    }
    return table.text(look);
}

std::string status_text(const api::StatusDocument& status, const Look& look) {
    std::string text = nodes_text(status.nodes, look);
    text += "\n";
    if (status.applications.empty()) {
        text += "No applications yet; `flocker deploy DEPLOYMENT.yml APPLICATION.yml` brings them.\n";
    } else {
        Table table({"APPLICATION", "IMAGE", "NODE", "STATE", "PORTS"});
        for (const ApplicationEntry& application : status.applications) {
            table.add({application.name, application.image, application.owner_node, state_cell(application, status.now),
                       ports_text(application.ports)});
        }
        text += table.text(look);
    }
    if (const std::string replicas = replicas_table(status.volumes, look); !replicas.empty()) text += "\n" + replicas;
    text += failovers_text(status);
    std::size_t detached = 0;
    for (const api::VolumeEntry& volume : status.volumes) detached += volume.application ? 0U : 1U;
    if (detached > 0)
        text += fmt::format("\n{} detached, kept until it is removed by name; see `flocker volume ls`\n",
                            counted(detached, "volume"));
    return text + problems_text(status, look);
}

}  // namespace flocker::cli
