// SPDX-License-Identifier: Apache-2.0
#include "cli/progress.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "cli/text.hpp"

namespace flocker::cli {
namespace {

using api::ApplicationEntry;
using api::ApplicationState;
using api::MoveEntry;
using model::MovePhase;

constexpr std::size_t bar_width = 20;

const ApplicationEntry* find(const api::StatusDocument* status, const std::string& name) {
    if (!status) return nullptr;
    const auto found = std::ranges::find(status->applications, name, &ApplicationEntry::name);
    return found == status->applications.end() ? nullptr : &*found;
}

std::string bar(double part) {
    const auto full = static_cast<std::size_t>(std::floor(part * static_cast<double>(bar_width)));
    std::string text(bar_width, ' ');
    std::fill_n(text.begin(), full, '=');
    if (full < bar_width) text[full] = '>';
    return "[" + text + "]";
}

/// The round under way. An estimate may be too small; it is never shown as more than all.
std::string round_text(const MoveEntry& move, std::optional<double> rate) {
    if (move.round_expected.value == 0) return {};
    const double sent = static_cast<double>(move.round_sent.value);
    const double all = std::max(static_cast<double>(move.round_expected.value), sent);
    const double part = std::min(sent / all, 0.99);
    std::string text = fmt::format("  {} {:2.0f}%  {} of {}", bar(part), std::floor(part * 100),
                                   to_text(move.round_sent), to_text(Bytes{static_cast<std::uint64_t>(all)}));
    if (rate && *rate >= 1) {
        const Duration left{static_cast<std::int64_t>((all - sent) / *rate * 1e9)};
        text +=
            fmt::format("  {}/s  {} left", to_text(Bytes{static_cast<std::uint64_t>(*rate)}), age_text(left + 999ms));
    }
    return text;
}

/// What a phase is called where only a change of it is told.
std::string phase_of(const MoveEntry& move) {
    if (move.phase != MovePhase::staging) return to_string(move.phase);
    if (move.rounds == 0 && move.round_expected.value == 0 && move.bytes_live.value == 0) return "staging: preparing";
    return move.rounds == 0 ? "staging: first copy" : "staging: increments";
}

std::string ready_text(const MoveEntry& move) {
    return move.target_waits ? fmt::format("; {} is ready to take over", move.target) : "";
}

std::string staging_text(const MoveEntry& move, std::optional<double> rate) {
    std::string text = phase_of(move);
    if (move.rounds == 0) return text + round_text(move, rate) + ready_text(move);
    text = fmt::format("staging: increment {}", move.rounds);
    text += round_text(move, rate);
    text += fmt::format("  {} sent", to_text(move.bytes_live));
    if (move.last_round && move.round_expected.value == 0) {
        text += fmt::format(", the last {} in {}", to_text(move.last_round->bytes), to_text(move.last_round->took));
    }
    return text + ready_text(move);
}

std::string down_text(const MoveEntry& move, Instant at) {
    return move.sealing_started
               ? fmt::format(", down for {}", to_text(std::max(at - *move.sealing_started, Duration{})))
               : "";
}

std::string move_text(const ApplicationEntry& application, const MoveEntry& move, std::optional<double> rate,
                      Instant at) {
    std::string text = fmt::format("{} -> {}  ", move.source, move.target);
    switch (move.phase) {
        case MovePhase::staging:
            text += staging_text(move, rate);
            // A move with a limit may wait for a calm moment, which nothing else here would tell.
            if (move.downtime_max && move.rounds > 0 && !application.why.empty()) {
                text += "; " + application.why.front().waits_for;
            }
            break;
        case MovePhase::sealing: text += fmt::format("sealing: {} stops it{}", move.source, down_text(move, at)); break;
        case MovePhase::trial:
            text += fmt::format("trial: {} starts it{}", move.target, down_text(move, at));
            if (move.bytes_cutover.value > 0) text += fmt::format(", {} sent", to_text(move.bytes_cutover));
            break;
        case MovePhase::settling: text += "settling: clients are let through" + down_text(move, at); break;
    }
    if (!application.problems.empty()) {
        const api::ProblemEntry& problem = application.problems.front();
        text += fmt::format("  ({}: {})", problem.node, problem.error.message);
    }
    return text;
}

std::string state_text(const ApplicationEntry& application) {
    const std::string on = application.owner_node.empty() ? "" : " on " + application.owner_node;
    std::string text;
    switch (application.state) {
        case ApplicationState::running: text = "running" + on; break;
        case ApplicationState::starting: text = (application.promoting ? "taking over" : "starting") + on; break;
        case ApplicationState::finished: text = "finished" + on; break;
        case ApplicationState::exited: text = "exited" + on; break;
        case ApplicationState::moving: text = "moving"; break;
        case ApplicationState::waiting: text = fmt::format("waiting to move to {}", application.wanted_node); break;
        case ApplicationState::node_lost: text = fmt::format("node {} does not answer", application.owner_node); break;
        case ApplicationState::stopping: text = "stopping" + on; break;
    }
    if (!application.settled && !application.why.empty()) text += ": " + application.why.front().waits_for;
    return text;
}

std::string done_text(const Outcome& outcome) {
    switch (outcome.step.kind) {
        case api::StepKind::start: return "started on " + outcome.step.node;
        case api::StepKind::stop: return "stopped on " + outcome.step.node;
        case api::StepKind::restart: return "restarted on " + outcome.step.node;
        case api::StepKind::move:
            if (outcome.move && outcome.move->failover) return "taken over by " + outcome.step.node;
            return outcome.move ? fmt::format("moved to {} in {}, down for {}", outcome.step.node,
                                              to_text(outcome.move->ended - outcome.move->started),
                                              to_text(outcome.move->downtime))
                                : "moved to " + outcome.step.node;
        case api::StepKind::keep: return "running on " + outcome.step.node;
    }
    return {};
}

struct Line {
    std::string name;
    std::string phase;
    std::string text;
    Tone tone{Tone::plain};
};

std::optional<Line> line_of(const Outcome& outcome, const api::StatusDocument& now, const api::StatusDocument* before) {
    const std::string& name = outcome.step.application;
    const bool nothing_to_do =
        outcome.step.kind == api::StepKind::keep && outcome.standing == Standing::done && !outcome.move;
    if (nothing_to_do) return std::nullopt;
    if (outcome.standing == Standing::done) return Line{name, "done", done_text(outcome), Tone::good};
    if (outcome.standing == Standing::failed) return Line{name, "failed", "failed: " + outcome.reason, Tone::bad};
    const ApplicationEntry* entry = find(&now, name);
    if (!entry) return Line{name, "asked", "asked for", Tone::plain};
    const std::string phase = entry->move ? phase_of(*entry->move) : api::name_of(entry->state);
    return Line{name, phase, progress_text(*entry, find(before, name), now.now), Tone::plain};
}

}  // namespace

std::optional<double> rate(const MoveEntry& now, const MoveEntry& before) {
    const auto total = [](const MoveEntry& move) { return move.bytes_live.value + move.bytes_cutover.value; };
    if (now.id != before.id || now.measured <= before.measured || total(now) < total(before)) return std::nullopt;
    return static_cast<double>(total(now) - total(before)) * 1e9 /
           static_cast<double>((now.measured - before.measured).count());
}

std::string progress_text(const ApplicationEntry& now, const ApplicationEntry* before, Instant at) {
    if (!now.move) return state_text(now);
    const auto measured = before && before->move ? rate(*now.move, *before->move) : std::nullopt;
    return move_text(now, *now.move, measured, at);
}

std::vector<std::string> progress_lines(const std::vector<Outcome>& outcomes, const api::StatusDocument& now,
                                        const api::StatusDocument* before, const Look& look) {
    std::vector<Line> lines;
    std::size_t widest = 0;
    for (const Outcome& outcome : outcomes) {
        auto line = line_of(outcome, now, before);
        if (!line) continue;
        widest = std::max(widest, columns(line->name));
        lines.push_back(*std::move(line));
    }
    std::vector<std::string> texts;
    for (const Line& line : lines) {
        const std::string text = printable(padded(line.name, widest) + "  " + line.text);
        texts.push_back(toned(look.width > 0 ? cut(text, look.width) : text, line.tone, look));
    }
    return texts;
}

std::vector<std::string> PlainProgress::lines(const std::vector<Outcome>& outcomes, const api::StatusDocument& now,
                                              const api::StatusDocument* before, Instant at) {
    std::vector<std::string> texts;
    for (const Outcome& outcome : outcomes) {
        const auto line = line_of(outcome, now, before);
        if (!line) continue;
        Said& said = said_[line->name];
        const bool news = said.phase != line->phase;
        const bool due = outcome.standing == Standing::pending && at - said.at >= interval;
        if (!news && !due) continue;
        said = {line->phase, at};
        texts.push_back(printable(line->name + "  " + line->text));
    }
    return texts;
}

}  // namespace flocker::cli
