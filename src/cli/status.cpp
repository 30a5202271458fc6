// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "api/documents_json.hpp"
#include "api/version.hpp"
#include "cli/applications.hpp"
#include "cli/commands.hpp"
#include "cli/text.hpp"

namespace flocker::cli {

int status(const Session& session) {
    const auto client = session.connect();
    if (!client) return session.fail_with(client.error());
    const auto seen = client->status();
    if (!seen) return session.fail_with(seen.error());
    session.out() << (session.json() ? api::to_json(*seen) + "\n" : status_text(*seen, session.look())) << std::flush;
    return exit_code::done;
}

int why(const Session& session, const std::string& name) {
    const auto client = session.connect();
    if (!client) return session.fail_with(client.error());
    const auto told = client->why(name);
    if (!told) return session.fail_with(told.error());
    if (session.json()) {
        session.out() << api::to_json(*told) << std::endl;
        return exit_code::done;
    }
    if (told->reasons.empty())
        session.out() << fmt::format("{} is what it should be; it waits for nothing.\n", printable(name));
    for (const api::ReasonEntry& reason : told->reasons) {
        const std::string on = reason.node.empty() ? "the control service" : "node " + reason.node;
        session.out() << printable(fmt::format("{} (on {}{})", reason.waits_for, on,
                                               reason.until ? ", until " + to_utc_text(*reason.until) : ""))
                      << "\n";
    }
    session.out() << std::flush;
    return exit_code::done;
}

int version(const Session& session, bool client_only) {
    std::string service;
    std::optional<Error> trouble;
    if (!client_only) {
        const auto client = session.connect();
        const auto told = client ? client->version() : Result<api::VersionDocument>(tl::unexpected(client.error()));
        if (told) {
            service = told->version;
        } else {
            trouble = told.error();
        }
    }
    if (session.json()) {
        session.out() << fmt::format(R"({{"client":"{}"{}}})", api::version(),
                                     service.empty() ? "" : fmt::format(R"(,"control":"{}")", printable(service)))
                      << std::endl;
    } else {
        session.out() << "flocker " << api::version() << "\n";
        if (!service.empty()) session.out() << "control service " << printable(service) << "\n";
        session.out() << std::flush;
    }
    // The client's own version is known whatever the service does.
    if (trouble)
        session.err() << "flocker: the control service's version is not known: " << trouble->message << std::endl;
    return exit_code::done;
}

}  // namespace flocker::cli
