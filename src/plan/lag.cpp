// SPDX-License-Identifier: Apache-2.0
#include "plan/lag.hpp"

#include <algorithm>

#include "plan/increments.hpp"
#include "plan/limits.hpp"

namespace flocker::plan {

using namespace model;

namespace {

Bytes bytes_behind(const FeedSeen& feed, Duration behind) {
    if (feed.idle) return {};
    std::uint64_t bytes = 0;
    if (feed.round_expected.value > feed.round_sent.value) bytes = feed.round_expected.value - feed.round_sent.value;
    if (feed.last_rounds.empty() || feed.last_rounds.back().whole) return {bytes};
    const RoundSeen& last = feed.last_rounds.back();
    const double seconds = std::max(static_cast<double>(last.interval.count()) / 1e9, 1e-3);
    const double written = static_cast<double>(last.bytes.value) / seconds * static_cast<double>(behind.count()) / 1e9;
    return {std::max(bytes, static_cast<std::uint64_t>(std::max(written, 0.0)))};
}

std::string reason_of(const View& view, const Ownership& ownership, const NodeId& node, const FeedSeen* feed) {
    if (!is_alive(view, ownership.owner)) return node_name(view.records, ownership.owner) + " does not answer";
    if (feed && feed->let_go) return feed->trouble;
    if (!is_alive(view, node)) return node_name(view.records, node) + " does not answer";
    if (feed && !feed->trouble.empty()) return feed->trouble;
    if (const Problem* problem = problem_in(report_of(view, node), ownership)) return problem->error.message;
    const bool first = !feed || !feed->acknowledged;
    const std::string reason = first ? "the first copy is not complete" : "more is written than goes over";
    return feed ? reason + held_back_text(*feed) : reason;
}

}  // namespace

std::vector<Lag> lags_of(const View& view, const Ownership& ownership) {
    std::vector<Lag> lags;
    if (!ownership.dataset) return lags;
    const NodeReport* owner = report_of(view, ownership.owner);
    const Duration wished = wished_lag(view.records, ownership);
    for (const NodeId& node : ownership.replicas) {
        Lag lag;
        lag.node = node;
        const FeedSeen* feed = feed_in(owner, *ownership.dataset, node);
        if (owner) lag.proof_age = view.now - view.states.at(ownership.owner).heard;
        if (feed) lag.snapshot = feed->acknowledged;
        lag.let_go = feed && feed->let_go;
        if (feed && feed->acknowledged && feed->proven.unix_ns != 0) {
            lag.behind = std::max(owner->at - feed->proven, Duration{0});
            lag.bytes = bytes_behind(*feed, *lag.behind);
        }
        if (!lag.behind || *lag.behind + lag.proof_age > wished + lag_allowance) {
            lag.reason = reason_of(view, ownership, node, feed);
        }
        lags.push_back(std::move(lag));
    }
    return lags;
}

Duration wished_lag(const Records& records, const Ownership& ownership) {
    const Wanted* wanted = wanted_of(records, ownership);
    if (!wanted || !wanted->application.volume) return records.settings.lag;
    return wanted->application.volume->lag.value_or(records.settings.lag);
}

std::uint32_t wished_replicas(const Records& records, const Ownership& ownership) {
    if (!ownership.dataset) return 0;
    const Wanted* wanted = wanted_of(records, ownership);
    if (!wanted || !wanted->application.volume) return records.settings.replicas;
    std::uint32_t wished = records.settings.replicas;
    if (wanted->replica_nodes) wished = static_cast<std::uint32_t>(wanted->replica_nodes->size());
    return wanted->application.volume->replicas.value_or(wished);
}

}  // namespace flocker::plan
