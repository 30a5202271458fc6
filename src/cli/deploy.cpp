// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <deque>

#include "cli/commands.hpp"
#include "cli/input_file.hpp"
#include "cli/live_text.hpp"
#include "cli/pause.hpp"
#include "cli/plan_text.hpp"
#include "cli/progress.hpp"
#include "cli/results.hpp"
#include "cli/text.hpp"
#include "cli/watch.hpp"
#include "manifest/limits.hpp"
#include "manifest/manifest.hpp"

namespace flocker::cli {
namespace {

constexpr Duration look_interval = 200ms;
/// What a rate is measured over.
constexpr Duration rate_window = 3s;
/// A control service that is started anew, or moved, is back by then.
constexpr Duration silence_of_control_max = 60s;

constexpr const char* goes_on = "the work goes on; look at it with `flocker status`";

/// Asks the control service for the plan, or to carry it out.
using Ask = std::function<Result<api::Planned>(bool dry_run)>;
using Refuse = std::function<int(const api::RefusalsDocument&)>;

/// Looks at the cluster until a plan is carried out.
class Following {
public:
    Following(const Session& session, const api::Client& client, const api::PlanDocument& plan,
              const api::StatusDocument& before)
        : session_(session), client_(client), plan_(plan), watch_(plan, before), live_(session.out()) {}

    int run(Duration timeout) {
        const World& world = session_.world();
        world.farewell(fmt::format("\n{}\n", goes_on));
        const Instant began = world.now();
        const Instant deadline = began + timeout;
        heard_ = began;
        std::optional<Error> trouble;
        for (;;) {
            trouble = look();
            if (trouble || watch_.over()) break;
            if (world.now() >= deadline) {
                trouble = Error{ErrorCode::timed_out, fmt::format("not there after {}; {}", to_text(timeout), goes_on)};
                break;
            }
            world.rest(look_interval);
        }
        world.farewell("");
        return end(world.now() - began, trouble);
    }

private:
    struct Seen {
        Instant at;
        api::StatusDocument status;
    };

    std::optional<Error> look() {
        const Instant now = session_.world().now();
        auto status = client_.status();
        if (!status) {
            if (status.error().code == ErrorCode::denied || status.error().code == ErrorCode::corrupt)
                return status.error();
            if (now - heard_ < silence_of_control_max) return std::nullopt;
            return Error{ErrorCode::unavailable, fmt::format("the control service does not answer any more ({}); {}",
                                                             status.error().message, goes_on)};
        }
        heard_ = now;
        watch_.see(*status);
        while (seen_.size() > 1 && now - seen_[1].at >= rate_window) seen_.pop_front();
        draw(*status, now);
        seen_.push_back({now, *std::move(status)});
        return std::nullopt;
    }

    void draw(const api::StatusDocument& status, Instant now) {
        if (session_.json()) return;
        const api::StatusDocument* before = seen_.empty() ? nullptr : &seen_.front().status;
        const auto outcomes = watch_.outcomes();
        if (session_.world().out_is_terminal) {
            Look look = session_.look();
            look.width = std::max(session_.world().width, 2U) - 1;
            return live_.show(progress_lines(outcomes, status, before, look));
        }
        for (const std::string& line : plain_.lines(outcomes, status, before, now)) session_.out() << line << std::endl;
    }

    int end(Duration took, const std::optional<Error>& trouble) {
        const auto outcomes = watch_.outcomes();
        const bool settled = !trouble && !watch_.failed();
        if (session_.json()) {
            session_.out() << results_json(plan_, outcomes, settled) << std::endl;
        } else {
            live_.clear();
            session_.out() << results_text(outcomes, took, session_.look()) << std::flush;
        }
        if (trouble) session_.err() << "flocker: " << trouble->message << std::endl;
        return settled ? exit_code::done : exit_code::failed;
    }

    const Session& session_;
    const api::Client& client_;
    const api::PlanDocument& plan_;
    Watch watch_;
    LiveText live_;
    PlainProgress plain_;
    std::deque<Seen> seen_;
    Instant heard_;
};

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

/// The plan, the question, and the work.
class Undertaking {
public:
    Undertaking(const Session& session, api::Client client, Ask ask, Refuse refuse)
        : session_(session), client_(std::move(client)), ask_(std::move(ask)), refuse_(std::move(refuse)) {}

    int run(const FollowOptions& options, bool question) {
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
        if (question && stops_something(plan) && !session_.agrees("Go on?")) {
            session_.err() << "flocker: nothing was changed" << std::endl;
            return exit_code::failed;
        }
        return carry_out(plan, *before, options);
    }

private:
    void say(const api::PlanDocument& plan, bool nothing) const {
        if (session_.json()) return;
        if (nothing) {
            session_.out() << "Nothing to do: the cluster is what the manifests say.\n";
            if (!plan.left_alone.empty())
                session_.out() << plan_text({{}, plan.left_alone, false, {}}, session_.look());
            session_.out() << std::flush;
            return;
        }
        session_.out() << plan_text(plan, session_.look()) << std::flush;
    }

    int carry_out(const api::PlanDocument& shown, const api::StatusDocument& before,
                  const FollowOptions& options) const {
        const auto planned = ask_(false);
        if (!planned && planned.error().code == ErrorCode::timed_out) {
            return session_.fail_with(
                {planned.error().code, planned.error().message +
                                           "; whether it was taken is not known; run the same command again, "
                                           "doing it twice does no harm"});
        }
        if (!planned) return session_.fail_with(planned.error());
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
                session_.out() << "Taken; " << goes_on << "." << std::endl;
            }
            return exit_code::done;
        }
        return Following(session_, client_, plan, before).run(options.timeout);
    }

    const Session& session_;
    api::Client client_;
    Ask ask_;
    Refuse refuse_;
};

int refused(const Session& session, const std::vector<manifest::Diagnostic>& problems) {
    if (session.json()) session.out() << refusals_json(problems) << std::endl;
    for (const auto& problem : problems) session.err() << to_text(problem) << "\n";
    session.err() << fmt::format("flocker: refused, {}; nothing was changed", counted(problems.size(), "problem"))
                  << std::endl;
    return exit_code::refused;
}

}  // namespace

int deploy(const Session& session, const DeployOptions& options) {
    std::vector<manifest::SourceText> sources;
    std::optional<Error> unreadable;
    for (const std::string& file : {options.deployment_file, options.application_file}) {
        auto text = read_input_file(file, manifest::limits::text_bytes);
        if (!text) {
            session.err() << "flocker: " << text.error().message << std::endl;
            unreadable = text.error();
            continue;
        }
        sources.push_back({file, *std::move(text)});
    }
    if (unreadable) return exit_code::refused;

    const auto parsed = manifest::parse(sources[0], sources[1]);
    if (const auto* problems = std::get_if<std::vector<manifest::Diagnostic>>(&parsed))
        return refused(session, *problems);
    const auto& [deployment, positions] = std::get<manifest::Manifests>(parsed);

    auto client = session.connect();
    if (!client) return session.fail_with(client.error());
    const Ask ask = [&](bool dry_run) { return client->deploy({deployment, dry_run}); };
    const Refuse refuse = [&](const api::RefusalsDocument& document) {
        return refused(session, place(document.refusals, positions, options.deployment_file));
    };
    const World& world = session.world();
    const bool question = world.in_is_terminal && world.out_is_terminal && !options.yes && !session.json();
    return Undertaking(session, *client, ask, refuse).run(options.follow, question);
}

int move(const Session& session, const MoveOptions& options) {
    auto client = session.connect();
    if (!client) return session.fail_with(client.error());
    const Ask ask = [&](bool dry_run) {
        return client->move({options.application, options.node, dry_run, options.downtime_max});
    };
    const Refuse refuse = [&](const api::RefusalsDocument& document) {
        for (const api::RefusalEntry& refusal : document.refusals)
            session.err() << "flocker: " << refusal.message << "\n";
        session.err() << "flocker: refused; nothing was changed" << std::endl;
        return exit_code::refused;
    };
    if (!options.plan) return Undertaking(session, *client, ask, refuse).run(options.follow, false);
    const auto planned = ask(true);
    if (!planned) return session.fail_with(planned.error());
    if (const auto* refusals = std::get_if<api::RefusalsDocument>(&*planned)) return refuse(*refusals);
    const auto& plan = std::get<api::PlanDocument>(*planned);
    session.out() << (session.json() ? results_json(plan, {}, false) + "\n" : forecast_text(plan)) << std::flush;
    return exit_code::done;
}

int list_moves(const Session& session, const std::optional<std::string>& application) {
    const auto client = session.connect();
    if (!client) return session.fail_with(client.error());
    const auto moves = client->moves(application);
    if (!moves) return session.fail_with(moves.error());
    session.out() << (session.json() ? moves_json(moves->ended) + "\n"
                                     : moves_text(moves->ended, session.world().now(), session.look()))
                  << std::flush;
    return exit_code::done;
}

}  // namespace flocker::cli
