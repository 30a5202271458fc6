// SPDX-License-Identifier: Apache-2.0
#include "plan/view.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <tuple>

#include "plan/limits.hpp"

namespace flocker::plan {

using namespace model;

bool is_alive(const View& view, const NodeId& node) {
    const auto found = view.states.find(node);
    return found != view.states.end() && found->second.heard.unix_ns != 0 &&
           view.now - found->second.heard < silence_max;
}

Duration silence_of(const View& view, const NodeId& node) {
    const auto found = view.states.find(node);
    const Instant heard = found == view.states.end() ? Instant{} : found->second.heard;
    return view.now - std::max(heard, view.started);
}

bool is_current(const View& view, const NodeId& node) {
    if (!is_alive(view, node)) return false;
    const NodeState& state = view.states.at(node);
    return state.published.value != 0 && state.report.revision >= state.published;
}

const NodeReport* report_of(const View& view, const NodeId& node) {
    const auto found = view.states.find(node);
    return found == view.states.end() || found->second.heard.unix_ns == 0 ? nullptr : &found->second.report;
}

const DatasetSeen* dataset_in(const NodeReport* report, const DatasetId& dataset) {
    if (!report) return nullptr;
    const auto found = std::ranges::lower_bound(report->datasets, dataset, {}, &DatasetSeen::id);
    return found == report->datasets.end() || found->id != dataset ? nullptr : &*found;
}

const ContainerSeen* container_in(const NodeReport* report, const ApplicationName& name) {
    if (!report) return nullptr;
    const auto found = std::ranges::lower_bound(report->containers, name, {}, &ContainerSeen::application);
    return found == report->containers.end() || found->application != name ? nullptr : &*found;
}

const FeedSeen* feed_in(const NodeReport* report, const DatasetId& dataset, const NodeId& to) {
    if (!report) return nullptr;
    const auto key = [](const FeedSeen& feed) { return std::tie(feed.dataset, feed.to); };
    const auto found = std::ranges::lower_bound(report->feeds, std::tie(dataset, to), std::less<>{}, key);
    return found == report->feeds.end() || key(*found) != std::tie(dataset, to) ? nullptr : &*found;
}

const Problem* problem_in(const NodeReport* report, const Ownership& ownership) {
    if (!report) return nullptr;
    for (const Problem& problem : report->problems) {
        if (ownership.application && problem.subject == ownership.application->value) return &problem;
        if (ownership.dataset && problem.subject == ownership.dataset->value) return &problem;
    }
    return nullptr;
}

std::optional<Problem> clock_problem(const View& view, const NodeId& node) {
    const NodeReport* report = report_of(view, node);
    if (!report || report->at.unix_ns == 0) return std::nullopt;
    const Instant heard = view.states.at(node).heard;
    const Duration off = report->at - heard;
    if (off <= clock_difference_max && off >= -clock_difference_max) return std::nullopt;
    const std::string text = fmt::format(
        "its clock is {} {} the control service's: certificates and times are judged wrongly; set it, then restart flockerd",
        to_text(off < Duration{} ? -off : off), off < Duration{} ? "behind" : "ahead of");
    return Problem{"clock", {ErrorCode::unavailable, text}, 1, heard};
}

const Wanted* wanted_of(const Records& records, const Ownership& ownership) {
    if (!ownership.application) return nullptr;
    const auto found = records.configuration.find(*ownership.application);
    return found == records.configuration.end() ? nullptr : &found->second;
}

bool has_gate(const Records& records, const Ownership& ownership) {
    const Wanted* wanted = wanted_of(records, ownership);
    return wanted && wanted->application.gate;
}

std::string node_name(const Records& records, const NodeId& node) {
    const auto found = records.nodes.find(node);
    return found == records.nodes.end() ? node.value : found->second.name;
}

std::string subject_name(const Ownership& ownership) {
    if (ownership.application) return ownership.application->value;
    return ownership.dataset ? ownership.dataset->value : ownership.subject.value;
}

}  // namespace flocker::plan
