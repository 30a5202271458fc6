// SPDX-License-Identifier: Apache-2.0
#include "cli/undertaking.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "api/documents_json.hpp"
#include "cli/following.hpp"
#include "cli/plan_text.hpp"
#include "cli/results.hpp"
#include "cli/text.hpp"

namespace flocker::cli {
namespace {

bool same_steps(const api::PlanDocument& a, const api::PlanDocument& b) {
    return std::ranges::equal(a.steps, b.steps, [](const api::StepEntry& x, const api::StepEntry& y) {
        return x.kind == y.kind && x.application == y.application && x.node == y.node && x.from == y.from;
    });
}

std::vector<Outcome> all_done(const api::PlanDocument& plan) {
    std::vector<Outcome> outcomes;
    for (const api::StepEntry& step : plan.steps) outcomes.push_back({step, Standing::done, step.node, "", {}});
    return outcomes;
}

}  // namespace

int Undertaking::run(const FollowOptions& options, bool question) const {
    const auto before = client_.status();
    if (!before) return session_.fail_with(before.error());
    const auto planned = ask_(true);
    if (!planned) return session_.fail_with(planned.error());
    if (const auto* refusals = std::get_if<api::RefusalsDocument>(&*planned)) return refuse_(*refusals);
    const auto& plan = std::get<api::PlanDocument>(*planned);
    const bool nothing = nothing_to_do(plan, *before);
    say(plan, nothing);
    if (nothing || options.dry_run) {
        if (session_.json()) {
            session_.out() << results_json(plan, nothing ? all_done(plan) : std::vector<Outcome>{}, nothing)
                           << std::endl;
        }
        return exit_code::done;
    }
    if (question && plan.changes && stops_something(plan) && !session_.agrees("Go on?")) {
        session_.err() << "flocker: nothing was changed" << std::endl;
        return exit_code::failed;
    }
    return carry_out(plan, *before, options);
}

void Undertaking::say(const api::PlanDocument& plan, bool nothing) const {
    if (session_.json()) return;
    if (nothing) {
        session_.out() << wording_.nothing << "\n";
        if (!plan.left_alone.empty()) session_.out() << plan_text({{}, plan.left_alone, false, {}}, session_.look());
    } else if (plan.steps.empty() && !wording_.no_steps.empty()) {
        session_.out() << wording_.no_steps << "\n";
    } else {
        session_.out() << plan_text(plan, session_.look());
    }
    session_.out() << std::flush;
}

int Undertaking::carry_out(const api::PlanDocument& shown, const api::StatusDocument& before,
                           const FollowOptions& options) const {
    const auto planned = ask_(false);
    if (!planned) return unknown_outcome(session_, planned.error());
    if (const auto* refusals = std::get_if<api::RefusalsDocument>(&*planned)) return refuse_(*refusals);
    const auto& plan = std::get<api::PlanDocument>(*planned);
    if (!session_.json() && !same_steps(plan, shown)) {
        session_.out() << "The cluster has changed meanwhile, and the plan with it:\n"
                       << plan_text(plan, session_.look());
    }
    if (options.detach) {
        if (session_.json()) {
            session_.out() << results_json(plan, {}, false) << std::endl;
        } else {
            session_.out() << "Taken; " << wording_.goes_on << "." << std::endl;
        }
        return exit_code::done;
    }
    const Followed followed = follow(session_, client_, plan, before, options.timeout, wording_.goes_on);
    session_.out() << (session_.json() ? results_json(plan, followed.outcomes, followed.settled) + "\n"
                                       : results_text(followed.outcomes, followed.took, session_.look()))
                   << std::flush;
    if (followed.trouble) session_.err() << "flocker: " << followed.trouble->message << std::endl;
    return followed.settled ? exit_code::done : exit_code::failed;
}

int unknown_outcome(const Session& session, const Error& error) {
    if (error.code != ErrorCode::timed_out) return session.fail_with(error);
    return session.fail_with({error.code, error.message +
                                              "; whether it was taken is not known; run the same command again, "
                                              "doing it twice does no harm"});
}

int say_refusals(const Session& session, const api::RefusalsDocument& document, bool named) {
    if (session.json()) session.out() << api::to_json(document) << std::endl;
    for (const api::RefusalEntry& refusal : document.refusals) {
        const std::string about = named && !refusal.name.empty() ? refusal.name + ": " : "";
        session.err() << "flocker: " << printable(about + refusal.message) << "\n";
    }
    session.err() << "flocker: refused; nothing was changed" << std::endl;
    return exit_code::refused;
}

}  // namespace flocker::cli
