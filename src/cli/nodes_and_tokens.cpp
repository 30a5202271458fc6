// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "api/documents_json.hpp"
#include "cli/applications.hpp"
#include "cli/commands.hpp"
#include "cli/text.hpp"
#include "codec/json_text.hpp"
#include "manifest/bandwidth.hpp"

namespace flocker::cli {
namespace {

Cell token_state(const api::TokenEntry& token, Instant now) {
    if (!token.used_by.empty()) return {"used by " + token.used_by, Tone::faint};
    if (token.revoked) return {"revoked", Tone::faint};
    if (token.expires <= now) return {"expired", Tone::faint};
    return {fmt::format("good for {}", age_text(token.expires - now)), Tone::good};
}

}  // namespace

int list_nodes(const Session& session) {
    const auto client = session.connect();
    if (!client) return session.fail_with(client.error());
    const auto document = client->nodes();
    if (!document) return session.fail_with(document.error());
    session.out() << (session.json() ? api::to_json(*document) + "\n" : nodes_text(document->nodes, session.look()))
                  << std::flush;
    return exit_code::done;
}

int remove_node(const Session& session, const std::string& name, bool yes) {
    const auto client = session.connect();
    if (!client) return session.fail_with(client.error());
    if (!yes && session.world().in_is_terminal) {
        if (!session.agrees(fmt::format("Node {} leaves the cluster; the replicas on it are no longer kept up. Go on?",
                                        printable(name)))) {
            session.err() << "flocker: nothing was changed" << std::endl;
            return exit_code::failed;
        }
    }
    if (const Status done = client->remove_node(name); !done) return session.fail_with(done.error());
    if (session.json()) {
        std::string quoted;
        codec::append_json_string(quoted, name);
        session.out() << "{\"removed\":" << quoted << "}" << std::endl;
    } else {
        session.out() << fmt::format("Node {} is no member any more. Stop flockerd there.", printable(name))
                      << std::endl;
    }
    return exit_code::done;
}

int change_node(const Session& session, const std::string& name, const std::vector<std::string>& words) {
    if (words.size() != 2 || words.front() != "bandwidth") {
        return session.fail_with({ErrorCode::invalid_argument, "write KEY VALUE; the only key of a node is bandwidth"});
    }
    api::NodeBandwidth wished;
    if (words.back() != "default") {
        const auto read = manifest::parse_bandwidth(words.back());
        if (!read) return session.fail_with({read.error().code, "bandwidth: " + read.error().message});
        wished.bandwidth = *read;
    }
    const auto client = session.connect();
    if (!client) return session.fail_with(client.error());
    if (const Status done = client->limit_node(name, wished); !done) return session.fail_with(done.error());
    if (session.json()) {
        session.out() << api::to_json(wished) << std::endl;
    } else {
        session.out() << fmt::format("{}: bandwidth {}\n", printable(name),
                                     wished.bandwidth ? to_text(*wished.bandwidth) : "as `flocker config` says")
                      << std::flush;
    }
    return exit_code::done;
}

int create_token(const Session& session, std::optional<Duration> lifetime) {
    const auto client = session.connect();
    if (!client) return session.fail_with(client.error());
    const auto entry = session.context();
    const auto access = entry ? load_context(entry->path) : Result<Access>(tl::unexpected(entry.error()));
    if (!access) return session.fail_with(access.error());
    const auto created = client->create_token({lifetime});
    if (!created) return session.fail_with(created.error());
    const std::string command =
        fmt::format("flocker join {}:{} --token {}", access->address, access->port, created->token);
    if (session.json()) {
        session.out() << fmt::format(R"({{"token":"{}","command":"{}"}})", created->token, command) << std::endl;
        return exit_code::done;
    }
    session.out() << "Run this on the machine that is to join, as root:\n\n  " << command
                  << "\n\nIt works once, within " << age_text(lifetime.value_or(60min)) << ", and is shown only now."
                  << std::endl;
    return exit_code::done;
}

int list_tokens(const Session& session) {
    const auto client = session.connect();
    if (!client) return session.fail_with(client.error());
    const auto document = client->tokens();
    if (!document) return session.fail_with(document.error());
    if (session.json()) {
        session.out() << api::to_json(*document) << std::endl;
        return exit_code::done;
    }
    if (document->tokens.empty()) {
        session.out() << "No tokens; `flocker token create` makes one." << std::endl;
        return exit_code::done;
    }
    const Instant now = session.world().now();
    Table table({"TOKEN", "STATE", "CREATED"});
    for (const api::TokenEntry& token : document->tokens) {
        table.add({token.id, token_state(token, now), age_text(now - token.created) + " ago"});
    }
    session.out() << table.text(session.look()) << std::flush;
    return exit_code::done;
}

int revoke_token(const Session& session, const std::string& id) {
    const auto client = session.connect();
    if (!client) return session.fail_with(client.error());
    if (const Status done = client->revoke_token(id); !done) return session.fail_with(done.error());
    std::string quoted;
    codec::append_json_string(quoted, id);
    session.out() << (session.json() ? "{\"revoked\":" + quoted + "}"
                                     : fmt::format("Token {} is good for nothing any more.", printable(id)))
                  << std::endl;
    return exit_code::done;
}

}  // namespace flocker::cli
