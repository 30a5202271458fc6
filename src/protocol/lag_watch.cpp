// SPDX-License-Identifier: Apache-2.0
#include "protocol/lag_watch.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "plan/failover.hpp"
#include "plan/lag.hpp"
#include "plan/limits.hpp"

namespace flocker::protocol {

using namespace model;

namespace {

/// A lag that comes and goes in less is nobody's news.
constexpr Duration settled_after = 3s;

}  // namespace

std::vector<AddEvent> LagWatch::look(const plan::View& view) {
    std::vector<AddEvent> events;
    const auto tell = [&](EventKind kind, const std::string& subject, std::string text) {
        events.push_back({{0, view.now, kind, subject, std::move(text)}});
    };
    std::map<Key, Trouble> behind;
    for (const auto& [subject, ownership] : view.records.ownerships) {
        // A lost owner's replicas do not lag: there is nothing that they could follow.
        if (ownership.destroying || ownership.promoting || !plan::is_alive(view, ownership.owner)) continue;
        const Duration wished = plan::wished_lag(view.records, ownership);
        for (const plan::Lag& lag : plan::lags_of(view, ownership)) {
            const Key key{subject, lag.node};
            const auto before = behind_.find(key);
            const bool known = before != behind_.end();
            const std::string& name = plan::node_name(view.records, lag.node);
            if (lag.let_go && !(known && before->second.let_go)) {
                tell(EventKind::snapshots_let_go, plan::subject_name(ownership),
                     fmt::format("{}; the replica on {} gets a full copy when there is room", lag.reason, name));
            }
            if (lag.let_go) {
                behind.emplace(key, Trouble{known ? before->second.since : view.now, true, true});
                continue;
            }
            if (!lag.behind) {
                // What was told of is not over before it is up to date.
                if (known && before->second.told) behind.insert(*before);
                continue;
            }
            const Duration now_behind = *lag.behind + lag.proof_age;
            if (now_behind <= wished + plan::lag_allowance) {
                if (known && before->second.told) {
                    tell(EventKind::lag_met, plan::subject_name(ownership),
                         fmt::format("the replica on {} is up to date again", name));
                }
                continue;
            }
            Trouble trouble = known ? before->second : Trouble{view.now, false};
            if (!trouble.told && view.now - trouble.since >= settled_after) {
                trouble.told = true;
                tell(EventKind::lag_broken, plan::subject_name(ownership),
                     fmt::format("the replica on {} is {} behind, {} is wished: {}", name, to_text(now_behind), to_text(wished),
                                 lag.reason));
            }
            behind.emplace(key, trouble);
        }
    }
    behind_ = std::move(behind);

    // One that has just begun has heard of nobody yet.
    const bool settled_in = view.now - view.started > plan::first_word_max;
    const bool any_automatic = std::ranges::any_of(view.records.configuration, [&](const auto& entry) {
        return plan::failover_of(view.records, entry.second.application) == Failover::automatic;
    });
    const bool withheld = settled_in && any_automatic && plan::is_cut_off(view);
    if (withheld && !withheld_) {
        tell(EventKind::failover_withheld, "cluster",
             "more than a third of the nodes are silent: it may be this one that is cut off, so nothing fails over by itself; "
             "`flocker failover` does it on your word, `flocker node rm` takes out nodes that will not come back");
    }
    withheld_ = withheld;
    return events;
}

}  // namespace flocker::protocol
