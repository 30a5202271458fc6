// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "cli/commands.hpp"
#include "cli/text.hpp"
#include "codec/json_text.hpp"

namespace flocker::cli {
namespace {

using api::CopyEntry;
using api::VolumeEntry;

constexpr std::string_view aside_prefix = "aside-";

struct Aside {
    std::string node;
    model::SetAsideSeen seen;
};

std::vector<Aside> asides_of(const VolumeEntry& volume) {
    std::vector<Aside> all;
    for (const CopyEntry& copy : volume.copies) {
        for (const model::SetAsideSeen& seen : copy.set_aside) all.push_back({copy.node, seen});
    }
    return all;
}

std::string list_text(const std::vector<Aside>& asides) {
    std::string text;
    for (const auto& [node, seen] : asides)
        text += fmt::format("{}{} on {}", text.empty() ? "" : ", ", to_text(seen.id), node);
    return text;
}

Result<Aside> aside_called(const VolumeEntry& volume, const RemoveAsideOptions& options) {
    std::string_view name = options.snapshot;
    if (name.starts_with(aside_prefix)) name.remove_prefix(aside_prefix.size());
    const auto id = model::parse_snapshot_id(name);
    if (!id)
        return fail(ErrorCode::invalid_argument,
                    fmt::format("\"{}\" is not a snapshot's name; it is like e3-s43", options.snapshot));
    std::vector<Aside> found;
    for (const Aside& aside : asides_of(volume)) {
        if (aside.seen.id == *id && (options.node.empty() || aside.node == options.node)) found.push_back(aside);
    }
    if (found.size() == 1) return found.front();
    if (found.size() > 1)
        return fail(ErrorCode::invalid_argument, fmt::format("there is {}; say which with --node", list_text(found)));
    for (const CopyEntry& copy : volume.copies) {
        if (std::ranges::find(copy.snapshots, *id, &model::SnapshotSeen::id) == copy.snapshots.end()) continue;
        return fail(ErrorCode::conflict,
                    fmt::format("{} on {} was not set aside: replication uses it, and lets it go by itself",
                                to_text(*id), copy.node));
    }
    const std::string there = list_text(asides_of(volume));
    return fail(ErrorCode::not_found, fmt::format("nothing called {} is set aside{} of this volume; {}", to_text(*id),
                                                  options.node.empty() ? "" : " on " + options.node,
                                                  there.empty() ? "nothing is" : "there is " + there));
}

}  // namespace

int remove_aside(const Session& session, const RemoveAsideOptions& options) {
    const auto client = session.connect();
    if (!client) return session.fail_with(client.error());
    const auto volume = client->volume(options.volume);
    if (!volume) return session.fail_with(volume.error());
    const auto aside = aside_called(*volume, options);
    if (!aside) return session.fail_with(aside.error());
    const std::string id = to_text(aside->seen.id);
    if (!options.yes) {
        if (!session.world().in_is_terminal) {
            return session.fail_with(
                {ErrorCode::invalid_argument, "this destroys data; say --yes when nobody can be asked"});
        }
        const std::string question = fmt::format(
            "{} was set aside on {} ({}, last written {}). No other node has it, and there is no way back. Remove it?",
            id, aside->node, to_text(aside->seen.size), to_utc_text(aside->seen.taken));
        if (!session.agrees(question)) {
            session.err() << "flocker: nothing was removed" << std::endl;
            return exit_code::failed;
        }
    }
    if (const Status done = client->remove_aside(volume->dataset.value, aside->seen.id, aside->node); !done)
        return session.fail_with(done.error());
    if (session.json()) {
        std::string node;
        codec::append_json_string(node, aside->node);
        session.out() << fmt::format(R"({{"removing":"{}","node":{}}})", id, node) << std::endl;
    } else {
        session.out() << fmt::format("{}, set aside on {}, is being removed.", id, aside->node) << std::endl;
    }
    return exit_code::done;
}

}  // namespace flocker::cli
