// SPDX-License-Identifier: Apache-2.0
#include "cli/pause.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "cli/replicas_text.hpp"
#include "cli/text.hpp"
#include "codec/json_encoder.hpp"

namespace flocker::cli {
namespace {

using api::MoveEnded;
using api::MoveResultEntry;
using model::MoveStep;

/// In their order. A hook is none of them: clients are served while it runs.
constexpr std::array cutover_steps{MoveStep::hold, MoveStep::stop,  MoveStep::seal,  MoveStep::increment,
                                   MoveStep::copy, MoveStep::start, MoveStep::ready, MoveStep::open};

/// The format is docs/cli.md's.
struct MoveRow {
    std::string application;
    MoveResultEntry result;
};
struct Moves {
    std::vector<MoveRow> moves;
};

template <class V>
void fields(V&& visit, codec::Either<MoveRow> auto& row) {
    visit("application", row.application);
    visit("id", row.result.id);
    visit("source", row.result.source);
    visit("target", row.result.target);
    visit("started", row.result.started);
    visit("ended", row.result.ended);
    visit("succeeded", row.result.succeeded);
    visit("reason", row.result.reason);
    visit("downtime_ns", row.result.downtime);
    visit("predicted_ns", row.result.predicted);
    visit("steps_ns", row.result.steps);
    visit("bytes_live", row.result.bytes_live);
    visit("bytes_cutover", row.result.bytes_cutover);
    visit("rounds", row.result.rounds);
    visit("failover", row.result.failover);
    visit("lost_ns", row.result.lost);
}
template <class V>
void fields(V&& visit, codec::Either<Moves> auto& document) {
    visit("moves", document.moves);
}

/// Milliseconds, with a decimal where it tells something.
std::string ms_text(Duration duration) {
    const double ms = std::chrono::duration<double, std::milli>(duration).count();
    return ms < 9.95 ? fmt::format("{:.1f}", ms) : fmt::format("{:.0f}", ms);
}

std::string part_text(const MoveResultEntry& move, MoveStep step) {
    const auto found = move.steps.find(to_string(step));
    return found == move.steps.end() ? "" : ms_text(found->second);
}

Cell result_cell(const MoveResultEntry& move) {
    if (move.failover) return {"failover", Tone::busy};
    return move.succeeded ? Cell{"moved", Tone::good} : Cell{"given up", Tone::bad};
}

using Row = std::vector<Cell>;

std::vector<std::string> about_heading() {
    return {"MOVE", "APPLICATION", "FROM", "TO", "WHEN", "RESULT", "DOWN", "PREDICTED"};
}
Row about(const MoveEnded& ended, Instant now) {
    const MoveResultEntry& move = ended.result;
    const std::string age = age_text(now - move.ended);
    return {std::to_string(move.id.value),
            ended.application,
            move.source,
            move.target,
            age == "now" ? age : age + " ago",
            result_cell(move),
            move.downtime > Duration{} ? ms_text(move.downtime) : "",
            move.predicted ? ms_text(*move.predicted) : ""};
}

std::vector<std::string> parts_heading() {
    std::vector<std::string> heading;
    for (const MoveStep step : cutover_steps) {
        std::string name = to_string(step);
        std::ranges::transform(name, name.begin(), [](char c) { return static_cast<char>(c - 'a' + 'A'); });
        heading.push_back(std::move(name));
    }
    return heading;
}
Row parts(const MoveEnded& ended) {
    Row row;
    for (const MoveStep step : cutover_steps) row.emplace_back(part_text(ended.result, step));
    return row;
}

template <class Item>
std::vector<Item> joined(std::vector<Item> first, const std::vector<Item>& second) {
    first.insert(first.end(), second.begin(), second.end());
    return first;
}

/// Of what was no move as wished.
std::string ending_text(const MoveResultEntry& move) {
    if (!move.failover) return fmt::format("Move {} was given up: {}", move.id.value, move.reason);
    std::string text = fmt::format("Move {} was a failover: {} was lost", move.id.value, move.source);
    if (move.lost && *move.lost > Duration{})
        text += fmt::format("; what it wrote in the {} before is set aside there", lag_text(*move.lost));
    return text;
}

std::size_t width_of(const std::string& text) {
    std::size_t widest = 0;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find('\n', at), text.size());
        widest = std::max(widest, columns(std::string_view(text).substr(at, end - at)));
        at = end + 1;
    }
    return widest;
}

std::string tables_of(const std::vector<MoveEnded>& moves, Instant now, const Look& look) {
    Table whole(joined(about_heading(), parts_heading()));
    for (const MoveEnded& move : moves) whole.add(joined(about(move, now), parts(move)));
    if (look.width == 0 || width_of(whole.text({})) <= look.width) return whole.text(look);
    Table first(about_heading());
    Table second(joined({"MOVE"}, parts_heading()));
    for (const MoveEnded& move : moves) {
        first.add(about(move, now));
        second.add(joined({Cell{std::to_string(move.result.id.value)}}, parts(move)));
    }
    return first.text(look) + "\n" + second.text(look);
}

}  // namespace

std::string parts_text(const MoveResultEntry& move) {
    std::string text;
    for (const MoveStep step : cutover_steps) {
        const std::string took = part_text(move, step);
        if (!took.empty()) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", to_string(step), took);
    }
    return text.empty() ? "" : text + " ms";
}

std::string source_text(const api::PredictionEntry& predicted) {
    if (predicted.moves > 0) return fmt::format("learned from {}", counted(predicted.moves, "move"));
    return predicted.guessed ? "a guess" : "from its start here";
}

std::string forecast_text(const api::PlanDocument& plan) {
    std::string text;
    for (const api::StepEntry& step : plan.steps) {
        if (step.kind != api::StepKind::move) {
            text += printable(fmt::format("{} is on {}; nothing would be moved.", step.application, step.node)) + "\n";
            continue;
        }
        text += fmt::format("{} moves from {} to {}", step.application, step.from.value_or("?"), step.node);
        if (step.to_copy.value > 0) text += fmt::format(", {} to copy while it runs", to_text(step.to_copy));
        text += ".\n";
        if (!step.predicted) {
            text += "How long its clients will wait is not known.\n";
            continue;
        }
        const api::PredictionEntry& pause = *step.predicted;
        text += fmt::format("Its clients will wait about {} ({}):\n", to_text(pause.total), source_text(pause));
        const std::array<std::pair<const char*, Duration>, 5> named{{{"stop", pause.stop},
                                                                     {"increment", pause.increment},
                                                                     {"start", pause.start},
                                                                     {"ready", pause.ready},
                                                                     {"rest", pause.rest}}};
        for (const auto& [name, took] : named) text += fmt::format("  {:<9}  {:>5} ms\n", name, ms_text(took));
        if (!pause.killed_after) continue;
        text += fmt::format("It does not heed its stop signal: it is killed after its grace period of {}.\n",
                            to_text(*pause.killed_after));
    }
    return text;
}

std::string moves_text(const std::vector<MoveEnded>& moves, Instant now, const Look& look) {
    if (moves.empty()) return "No moves yet.\n";
    std::string text = tables_of(moves, now, look) + "\nDown, predicted and the parts are in milliseconds.\n";
    for (const MoveEnded& move : moves) {
        if (move.result.succeeded && !move.result.failover) continue;
        const std::string line = printable(ending_text(move.result));
        text += (look.width > 0 ? cut(line, look.width) : line) + "\n";
    }
    return text;
}

std::string moves_json(const std::vector<MoveEnded>& moves) {
    Moves document;
    for (const MoveEnded& move : moves) document.moves.push_back({move.application, move.result});
    codec::Encoder encoder;
    encoder.value(document);
    return encoder.take();
}

}  // namespace flocker::cli
