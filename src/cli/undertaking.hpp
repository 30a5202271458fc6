// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>

#include "api/client.hpp"
#include "cli/commands.hpp"

namespace flocker::cli {

/// Asks the control service for the plan, or to carry it out.
using Ask = std::function<Result<api::Planned>(bool dry_run)>;
/// Says why there is no plan; the exit code.
using Refuse = std::function<int(const api::RefusalsDocument&)>;

/// What is said where commands differ.
struct Wording {
    std::string nothing{"Nothing to do: the cluster is what the manifests say."};
    std::string no_steps{};  ///< Of a plan that stops and starts nothing, and changes something all the same.
    std::string goes_on{"the work goes on; look at it with `flocker status`"};
};

/// The plan, the question, and the work.
class Undertaking {
public:
    Undertaking(const Session& session, api::Client client, Ask ask, Refuse refuse, Wording wording = {})
        : session_(session),
          client_(std::move(client)),
          ask_(std::move(ask)),
          refuse_(std::move(refuse)),
          wording_(std::move(wording)) {}

    /// The exit code. `question`: asks before something is stopped.
    [[nodiscard]] int run(const FollowOptions& options, bool question) const;

private:
    void say(const api::PlanDocument& plan, bool nothing) const;
    [[nodiscard]] int carry_out(const api::PlanDocument& shown, const api::StatusDocument& before,
                                const FollowOptions& options) const;

    const Session& session_;
    api::Client client_;
    Ask ask_;
    Refuse refuse_;
    Wording wording_;
};

/// What to do when it is not known whether the service took what it was asked for.
[[nodiscard]] int unknown_outcome(const Session& session, const Error& error);
/// Says the reasons, each with what it is about if `named`; the exit code.
[[nodiscard]] int say_refusals(const Session& session, const api::RefusalsDocument& document, bool named);

}  // namespace flocker::cli
