// SPDX-License-Identifier: Apache-2.0
#include "cli/results.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "api/step_fields.hpp"
#include "cli/pause.hpp"
#include "cli/text.hpp"
#include "codec/json_encoder.hpp"

namespace flocker::cli {
namespace {

using api::StepKind;

/// The formats of these two are docs/cli.md's.
struct ResultRow {
    std::string application;
    std::string node;
    std::string outcome;
    std::optional<std::int64_t> downtime_ms;
    std::optional<Duration> downtime;
    std::optional<Duration> predicted;
    std::optional<std::map<std::string, Duration>> steps;
    std::optional<Bytes> bytes_live;
    std::optional<Bytes> bytes_cutover;
    std::string reason;
};
struct Problem {
    std::string file;
    std::uint32_t line;
    std::uint32_t column;
    std::string message;
};
struct Report {
    std::vector<api::StepEntry> steps;
    std::vector<std::string> left_alone;
    std::vector<ResultRow> results;
    bool settled;
};
struct Refusals {
    std::vector<Problem> refusals;
};

template <class V>
void fields(V&& visit, codec::Either<ResultRow> auto& row) {
    visit("application", row.application);
    visit("node", row.node);
    visit("outcome", row.outcome);
    visit("downtime_ms", row.downtime_ms);
    visit("downtime_ns", row.downtime);
    visit("predicted_ns", row.predicted);
    visit("steps_ns", row.steps);
    visit("bytes_live", row.bytes_live);
    visit("bytes_cutover", row.bytes_cutover);
    visit("reason", row.reason);
}
template <class V>
void fields(V&& visit, codec::Either<Report> auto& report) {
    visit("steps", report.steps);
    visit("left_alone", report.left_alone);
    visit("results", report.results);
    visit("settled", report.settled);
}
template <class V>
void fields(V&& visit, codec::Either<Problem> auto& problem) {
    visit("file", problem.file);
    visit("line", problem.line);
    visit("column", problem.column);
    visit("message", problem.message);
}
template <class V>
void fields(V&& visit, codec::Either<Refusals> auto& document) {
    visit("refusals", document.refusals);
}

std::string outcome_word(const Outcome& outcome) {
    if (outcome.standing == Standing::failed) return "failed";
    if (outcome.standing == Standing::pending) return "unfinished";
    if (outcome.move && outcome.move->failover) return "failed_over";
    switch (outcome.step.kind) {
        case StepKind::start: return "started";
        case StepKind::stop: return "stopped";
        case StepKind::restart: return "restarted";
        case StepKind::move: return "moved";
        case StepKind::keep: return outcome.move ? "moved" : "unchanged";
    }
    return "unchanged";
}

std::string done_line(const Outcome& outcome) {
    const std::string where = outcome.step.node;
    if (outcome.step.kind != StepKind::move && !outcome.move)
        return fmt::format("{} on {}", outcome_word(outcome), where);
    if (!outcome.move) return "moved to " + where;
    const api::MoveResultEntry& move = *outcome.move;
    if (move.failover) return fmt::format("{} was lost, and {} took over", move.source, move.target);
    std::string text =
        fmt::format("moved from {} to {}, down for {}", move.source, move.target, to_text(move.downtime));
    if (move.predicted) text += fmt::format(" ({} predicted)", to_text(*move.predicted));
    if (const std::string parts = parts_text(move); !parts.empty()) text += ": " + parts;
    if (move.bytes_live.value + move.bytes_cutover.value > 0) {
        text += fmt::format("; copied {} while it ran, {} in the cutover", to_text(move.bytes_live),
                            to_text(move.bytes_cutover));
    }
    return text;
}

std::string encode(const auto& value) {
    codec::Encoder encoder;
    encoder.value(value);
    return encoder.take();
}

}  // namespace

std::string results_text(const std::vector<Outcome>& outcomes, Duration took, const Look& look) {
    std::size_t widest = 0;
    for (const Outcome& outcome : outcomes) widest = std::max(widest, columns(outcome.step.application));
    const auto section = [&](Standing standing, const std::string& title, auto text_of) {
        std::string text;
        for (const Outcome& outcome : outcomes) {
            const bool silent = standing == Standing::done && outcome_word(outcome) == "unchanged";
            if (outcome.standing != standing || silent) continue;
            text += printable("  " + padded(outcome.step.application, widest) + "  " + text_of(outcome)) + "\n";
        }
        return text.empty() ? "" : title + "\n" + text;
    };
    std::string text;
    text +=
        section(Standing::done, fmt::format("{} in {}:", toned("Done", Tone::good, look), to_text(took)), done_line);
    text += section(Standing::failed, toned("Failed", Tone::bad, look) + ":",
                    [](const Outcome& outcome) { return fmt::format("on {}: {}", outcome.node, outcome.reason); });
    text += section(Standing::pending, toned("Not there yet", Tone::busy, look) + ":", [](const Outcome& outcome) {
        return fmt::format("on {}; see `flocker why {}`", outcome.node, outcome.step.application);
    });
    return text;
}

std::string results_json(const api::PlanDocument& plan, const std::vector<Outcome>& outcomes, bool settled) {
    Report report{plan.steps, plan.left_alone, {}, settled};
    for (const Outcome& outcome : outcomes) {
        ResultRow row;
        row.application = outcome.step.application;
        row.node = outcome.node;
        row.outcome = outcome_word(outcome);
        row.reason = outcome.reason;
        // The pause of a failover is not measured.
        if (outcome.move && !outcome.move->failover) {
            row.downtime_ms = to_ms(outcome.move->downtime);
            row.downtime = outcome.move->downtime;
            row.predicted = outcome.move->predicted;
            row.steps = outcome.move->steps;
            row.bytes_live = outcome.move->bytes_live;
            row.bytes_cutover = outcome.move->bytes_cutover;
        }
        report.results.push_back(std::move(row));
    }
    return encode(report);
}

std::string refusals_json(const std::vector<manifest::Diagnostic>& problems) {
    Refusals document;
    for (const auto& [file, line, column, message] : problems)
        document.refusals.push_back({file, line, column, message});
    return encode(document);
}

}  // namespace flocker::cli
