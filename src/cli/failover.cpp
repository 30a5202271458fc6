// SPDX-License-Identifier: Apache-2.0
#include "cli/failover_text.hpp"
#include "cli/undertaking.hpp"

#include <fmt/format.h>

namespace flocker::cli {
namespace {

constexpr const char* goes_on = "the failover is recorded and goes on; look at it with `flocker status`";

/// nullopt: go on.
std::optional<int> not_agreed(const Session& session) {
    const World& world = session.world();
    if (session.json() || !world.in_is_terminal || !world.out_is_terminal) {
        return session.fail_with({ErrorCode::invalid_argument,
                                  "a failover can lose what the lost node has alone; say --yes when nobody can be "
                                  "asked, --dry-run to look"});
    }
    if (session.agrees("Go on?")) return std::nullopt;
    session.err() << "flocker: nothing was changed" << std::endl;
    return exit_code::failed;
}

const char* outcome_of(const Followed& followed) {
    if (followed.settled) return "failed_over";
    const bool failed = !followed.outcomes.empty() && followed.outcomes.front().standing == Standing::failed;
    return failed ? "failed" : "unfinished";
}

}  // namespace

int failover(const Session& session, const FailoverOptions& options) {
    const auto client = session.connect();
    if (!client) return session.fail_with(client.error());
    const auto before = client->status();
    if (!before) return session.fail_with(before.error());
    const auto planned = client->failover({options.application, options.node, true});
    if (!planned) return session.fail_with(planned.error());
    if (const auto* refusals = std::get_if<api::RefusalsDocument>(&*planned))
        return say_refusals(session, *refusals, false);
    const auto& shown = std::get<api::FailoverDocument>(*planned);
    if (!session.json()) session.out() << failover_text(shown, session.look()) << std::flush;
    if (options.follow.dry_run) {
        if (session.json()) session.out() << failover_json(shown, "planned", nullptr) << std::endl;
        return exit_code::done;
    }
    if (!options.yes) {
        if (const auto refused = not_agreed(session)) return *refused;
    }

    // To the node that was shown: that is what was agreed to.
    const auto asked = client->failover({options.application, shown.to, false});
    if (!asked) return unknown_outcome(session, asked.error());
    if (const auto* refusals = std::get_if<api::RefusalsDocument>(&*asked))
        return say_refusals(session, *refusals, false);
    const auto& done = std::get<api::FailoverDocument>(*asked);
    if (options.follow.detach) {
        session.out() << (session.json() ? failover_json(done, "unfinished", nullptr)
                                         : fmt::format("{} is the owner now; {}.", done.to, goes_on))
                      << std::endl;
        return exit_code::done;
    }
    const Followed followed = follow(session, *client, plan_of(done), *before, options.follow.timeout, goes_on);
    session.out() << (session.json() ? failover_json(done, outcome_of(followed), &followed) + "\n"
                                     : failover_result_text(done, followed, session.look()))
                  << std::flush;
    if (followed.trouble) session.err() << "flocker: " << followed.trouble->message << std::endl;
    return followed.settled ? exit_code::done : exit_code::failed;
}

}  // namespace flocker::cli
