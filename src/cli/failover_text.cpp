// SPDX-License-Identifier: Apache-2.0
#include "cli/failover_text.hpp"

#include <fmt/format.h>

#include "api/documents_json.hpp"
#include "cli/replicas_text.hpp"
#include "cli/text.hpp"
#include "codec/json_text.hpp"

namespace flocker::cli {
namespace {

using api::CandidateEntry;
using api::FailoverDocument;

std::string candidates_table(const FailoverDocument& failover, const Look& look) {
    Table table({"NODE", "NEWEST SNAPSHOT", "TAKEN", "BEHIND", ""});
    for (const CandidateEntry& candidate : failover.candidates) {
        const bool chosen = candidate.node == failover.to;
        table.add({{candidate.node, chosen ? Tone::strong : Tone::plain},
                   candidate.snapshot ? to_text(*candidate.snapshot) : "",
                   candidate.taken ? to_utc_text(*candidate.taken) : "",
                   candidate.behind ? lag_text(*candidate.behind) : "",
                   chosen ? Cell{"takes over", Tone::good} : Cell{candidate.why_not, Tone::bad}});
    }
    return table.text(look);
}

std::string silence_text(const FailoverDocument& failover) {
    return failover.heard_ago ? fmt::format("{} owns {} and has not been heard of for {}.", failover.from,
                                            failover.application, age_text(*failover.heard_ago))
                              : fmt::format("{} owns {} and has not been heard of since the control service started.",
                                            failover.from, failover.application);
}

std::string loss_text(const FailoverDocument& failover) {
    if (!failover.snapshot) return fmt::format("{} has no volume: there is nothing to lose.\n", failover.application);
    std::string text =
        fmt::format("{} goes on at {} from {}. ", failover.application, failover.to, to_text(*failover.snapshot));
    if (!failover.lost) {
        text += fmt::format("How much was written after it is not known: nobody here has heard the last word of {}.\n",
                            failover.from);
    } else if (*failover.lost == Duration{}) {
        text += fmt::format("{} had everything up to the last word of {}.\n", failover.to, failover.from);
    } else {
        text += fmt::format("What {} wrote in the {} before its last word is missing there{}.\n", failover.from,
                            lag_text(*failover.lost),
                            failover.lost_bytes.value > 0 ? ", about " + to_text(failover.lost_bytes) : "");
    }
    return text + fmt::format(
                      "What {} has alone is not destroyed: when it is back it is set aside there, see "
                      "`flocker volume snapshots {}`.\n",
                      failover.from, failover.application);
}

}  // namespace

std::string failover_text(const FailoverDocument& failover, const Look& look) {
    return silence_text(failover) + "\n\n" + candidates_table(failover, look) + "\n" + loss_text(failover);
}

std::string failover_result_text(const FailoverDocument& failover, const Followed& followed, const Look& look) {
    const Outcome* outcome = followed.outcomes.empty() ? nullptr : &followed.outcomes.front();
    if (outcome && outcome->standing == Standing::failed) {
        return toned("Failed", Tone::bad, look) +
               printable(fmt::format(": {} is the owner now, and does not serve: {}", failover.to, outcome->reason)) +
               "\n";
    }
    if (!followed.settled) {
        return fmt::format("{}: {} is the owner now; see `flocker why {}`\n", toned("Not there yet", Tone::busy, look),
                           failover.to, failover.application);
    }
    std::string text =
        fmt::format("{} in {}: {} serves on {}, which took over from {}.\n", toned("Done", Tone::good, look),
                    to_text(followed.took), failover.application, failover.to, failover.from);
    if (failover.snapshot && (!failover.lost || *failover.lost > Duration{})) {
        text += fmt::format("When {} is back, look at what it had alone with `flocker volume snapshots {}`.\n",
                            failover.from, failover.application);
    }
    return text;
}

std::string failover_json(const FailoverDocument& failover, const std::string& outcome, const Followed* followed) {
    std::string reason;
    if (followed && !followed->outcomes.empty()) reason = followed->outcomes.front().reason;
    if (reason.empty() && followed && followed->trouble) reason = followed->trouble->message;
    std::string quoted;
    codec::append_json_string(quoted, reason);
    return fmt::format(R"({{"failover":{},"outcome":"{}","reason":{},"settled":{}}})", api::to_json(failover), outcome,
                       quoted, followed != nullptr && followed->settled);
}

api::PlanDocument plan_of(const FailoverDocument& failover) {
    api::StepEntry step;
    step.kind = api::StepKind::move;
    step.application = failover.application;
    step.node = failover.to;
    step.from = failover.from;
    return {{step}, {}, true, failover.revision};
}

}  // namespace flocker::cli
