// SPDX-License-Identifier: Apache-2.0
#include "plan/prediction.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "plan/increments.hpp"

namespace flocker::plan {
namespace {

using namespace model;

/// Older moves than so many tell of another machine, or another amount of data.
constexpr std::size_t moves_learned_from = 5;

/// What is usual, for what was never seen.
constexpr Duration usual_stop = 80ms;
constexpr Duration usual_seal = 30ms;
constexpr Duration usual_increment = 30ms;
constexpr Duration usual_copy = 10ms;
constexpr Duration usual_release = 5ms;
constexpr Duration usual_start = 350ms;  ///< Without a gate: the engine makes namespaces and a network.
constexpr Duration usual_ready = 100ms;
constexpr Duration usual_rest = 30ms;

Duration median(std::vector<Duration> values) {
    if (values.empty()) return Duration{0};
    std::ranges::sort(values);
    const std::size_t middle = values.size() / 2;
    return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

Duration sum_of(const MoveResult& move, std::initializer_list<MoveStep> steps) {
    Duration sum{};
    for (const MoveStep step : steps) {
        if (const auto found = move.steps.find(step); found != move.steps.end()) sum += found->second;
    }
    return sum;
}

class Predictor {
public:
    Predictor(const View& view, const Ownership& ownership) : view_(view), ownership_(ownership) {
        for (auto move = ownership.moves.rbegin(); move != ownership.moves.rend(); ++move) {
            if (!move->succeeded || move->steps.empty()) continue;
            if (learned_.size() < moves_learned_from) learned_.push_back(&*move);
        }
    }

    Prediction run() const {
        Prediction result = learned_.empty() ? from_this_node() : from_moves();
        result.killed_after = killed_after();
        if (result.killed_after) result.stop = std::max(result.stop, *result.killed_after);
        if (const auto next = next_increment()) result.increment = *next;
        result.total = result.stop + result.increment + result.start + result.ready + result.rest;
        return result;
    }

private:
    [[nodiscard]] Prediction from_moves() const {
        const auto typical = [&](std::initializer_list<MoveStep> steps) {
            std::vector<Duration> values;
            for (const MoveResult* move : learned_) values.push_back(sum_of(*move, steps));
            return median(std::move(values));
        };
        Prediction result;
        result.stop = typical({MoveStep::hold, MoveStep::stop, MoveStep::seal});
        result.increment = typical({MoveStep::increment});
        result.start = typical({MoveStep::copy, MoveStep::start});
        result.ready = typical({MoveStep::ready});
        std::vector<Duration> rests;
        for (const MoveResult* move : learned_) {
            const Duration known = sum_of(*move, {MoveStep::hold, MoveStep::stop, MoveStep::seal, MoveStep::increment,
                                                  MoveStep::copy, MoveStep::start, MoveStep::ready});
            rests.push_back(std::max(move->downtime - known, Duration{0}));
        }
        result.rest = median(std::move(rests));
        result.moves = static_cast<unsigned>(learned_.size());
        return result;
    }

    /// It has not been moved yet: its stops and starts where it is are much the same.
    [[nodiscard]] Prediction from_this_node() const {
        const auto stop = seen(MoveStep::stop);
        const auto ready = seen(MoveStep::ready);
        Prediction result;
        result.stop = stop.value_or(usual_stop) + (ownership_.dataset ? usual_seal : Duration{0});
        result.increment = ownership_.dataset ? usual_increment : Duration{0};
        const Duration begins = has_gate(view_.records, ownership_) ? usual_release : usual_start;
        result.start = begins + (ownership_.dataset ? usual_copy : Duration{0});
        result.ready = ready.value_or(usual_ready);
        result.rest = usual_rest;
        result.guessed = !stop && !ready;
        return result;
    }

    [[nodiscard]] std::optional<Duration> killed_after() const {
        const Wanted* wanted = wanted_of(view_.records, ownership_);
        if (!wanted || wanted->application.cutover != Cutover::stop) return std::nullopt;
        const ContainerSeen* container = container_in(report_of(view_, ownership_.owner), wanted->application.name);
        return container ? container->killed_after : std::nullopt;
    }

    [[nodiscard]] std::optional<Duration> seen(MoveStep step) const {
        const NodeReport* report = report_of(view_, ownership_.owner);
        if (!report) return std::nullopt;
        for (const StepSeen& each : report->steps) {
            if (each.subject == ownership_.subject.value && each.step == step) return each.took;
        }
        return std::nullopt;
    }

    /// By the rounds of the move under way.
    [[nodiscard]] std::optional<Duration> next_increment() const {
        if (!ownership_.move || !ownership_.dataset) return std::nullopt;
        const NodeReport* source = report_of(view_, ownership_.move->source);
        const FeedSeen* feed = feed_in(source, *ownership_.dataset, ownership_.move->target);
        const DatasetSeen* dataset = dataset_in(source, *ownership_.dataset);
        if (!feed || !dataset || feed->last_rounds.empty() || feed->last_rounds.back().whole) return std::nullopt;
        return forecast(*feed, dataset->changed).takes;
    }

    const View& view_;
    const Ownership& ownership_;
    std::vector<const MoveResult*> learned_;  ///< Newest first.
};

}  // namespace

Prediction predict(const View& view, const Ownership& ownership) { return Predictor(view, ownership).run(); }

std::string parts_text(const Prediction& prediction) {
    return fmt::format("{} (stop {}, increment {}, start {}, ready {}, rest {})", to_text(prediction.total),
                       to_text(prediction.stop), to_text(prediction.increment), to_text(prediction.start),
                       to_text(prediction.ready), to_text(prediction.rest));
}

std::string over_limit_text(const Prediction& prediction, Duration limit) {
    return fmt::format("the cutover is predicted to take {}, and {} are allowed", parts_text(prediction), to_text(limit));
}

}  // namespace flocker::plan
