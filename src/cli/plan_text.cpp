// SPDX-License-Identifier: Apache-2.0
#include "cli/plan_text.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "cli/pause.hpp"
#include "cli/text.hpp"

namespace flocker::cli {
namespace {

using api::StepEntry;
using api::StepKind;

Tone tone_of(StepKind kind) {
    switch (kind) {
        case StepKind::start: return Tone::good;
        case StepKind::stop: return Tone::bad;
        case StepKind::restart:
        case StepKind::move: return Tone::busy;
        case StepKind::keep: return Tone::faint;
    }
    return Tone::plain;
}

std::string where(const StepEntry& step) {
    return step.from ? fmt::format("{} -> {}", *step.from, step.node) : step.node;
}

std::string note(const StepEntry& step) {
    std::string text = step.reason;
    if (step.kind == StepKind::move && step.to_copy.value > 0) {
        text += fmt::format("{}{} to copy", text.empty() ? "" : ", ", to_text(step.to_copy));
    }
    if (step.predicted) {
        text += fmt::format("{}about {} down ({})", text.empty() ? "" : ", ", to_text(step.predicted->total),
                            source_text(*step.predicted));
    }
    return text;
}

std::string names(const std::vector<std::string>& all) {
    return fmt::format("{}", fmt::join(all, ", "));
}

std::optional<manifest::Location> location_of(const api::RefusalEntry& refusal, const manifest::Positions& positions) {
    if (refusal.about == api::RefusalAbout::place) {
        for (const auto& [place, location] : positions.places) {
            if (to_text(place) == refusal.name) return location;
        }
        return std::nullopt;
    }
    const model::ApplicationName name{refusal.name};
    if (refusal.about == api::RefusalAbout::replica && refusal.node) {
        const auto replica = positions.replicas.find({name, model::NodeReference{*refusal.node}});
        if (replica != positions.replicas.end()) return replica->second;
    }
    const auto application = positions.applications.find(name);
    if (application == positions.applications.end()) return std::nullopt;
    if (refusal.about == api::RefusalAbout::image) return application->second.image;
    if (refusal.about == api::RefusalAbout::volume && application->second.volume) return application->second.volume;
    if (refusal.about == api::RefusalAbout::port && refusal.port) {
        const model::ExternalPort external(*refusal.port, refusal.protocol.value_or(model::Protocol::tcp));
        const auto port = application->second.external_ports.find(external);
        if (port != application->second.external_ports.end()) return port->second;
    }
    if (refusal.about == api::RefusalAbout::application) {
        const auto placement = positions.placements.find(name);
        if (placement != positions.placements.end()) return placement->second;
    }
    return application->second.name;
}

}  // namespace

std::string plan_text(const api::PlanDocument& plan, const Look& look) {
    Table table({"", "APPLICATION", "NODE", ""});
    std::vector<std::string> kept;
    for (const StepEntry& step : plan.steps) {
        if (step.kind == StepKind::keep && step.reason.empty()) {
            kept.push_back(step.application);
        } else {
            table.add({{api::name_of(step.kind), tone_of(step.kind)},
                       step.application,
                       where(step),
                       {note(step), Tone::faint}});
        }
    }
    std::string text = table.empty() ? "" : table.text(look);
    if (!kept.empty()) text += fmt::format("As they are: {}\n", names(kept));
    if (!plan.left_alone.empty()) {
        text += fmt::format("Left alone, on nodes that are not named: {}\n", names(plan.left_alone));
    }
    return text;
}

bool stops_something(const api::PlanDocument& plan) {
    return std::ranges::any_of(plan.steps, [](const StepEntry& step) {
        return step.kind == StepKind::stop || step.kind == StepKind::restart || step.kind == StepKind::move;
    });
}

bool nothing_to_do(const api::PlanDocument& plan, const api::StatusDocument& status) {
    if (plan.changes) return false;
    return std::ranges::all_of(plan.steps, [&](const StepEntry& step) {
        const auto entry = std::ranges::find(status.applications, step.application, &api::ApplicationEntry::name);
        return step.kind == StepKind::keep && entry != status.applications.end() && entry->settled;
    });
}

std::vector<manifest::Diagnostic> place(const std::vector<api::RefusalEntry>& refusals,
                                        const manifest::Positions& positions, const std::string& deployment_file) {
    std::vector<manifest::Diagnostic> placed;
    for (const api::RefusalEntry& refusal : refusals) {
        const auto location = location_of(refusal, positions).value_or(manifest::Location{deployment_file, 1, 1});
        const bool named = refusal.about != api::RefusalAbout::deployment && refusal.about != api::RefusalAbout::place;
        placed.push_back(manifest::diagnostic_at(
            location, (named ? fmt::format("application '{}': ", refusal.name) : "") + refusal.message));
    }
    std::ranges::sort(placed);
    return placed;
}

}  // namespace flocker::cli
