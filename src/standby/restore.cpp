// SPDX-License-Identifier: Apache-2.0
#include "standby/restore.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "adapters/posix/files.hpp"
#include "adapters/sqlite/state_store.hpp"
#include "adapters/tls/authority.hpp"
#include "setup/layout.hpp"
#include "standby/beginning.hpp"
#include "standby/follower.hpp"
#include "standby/place.hpp"

namespace flocker::standby {
namespace {

bool is_there(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

/// "2025-11-22T08:51:03.000Z" as it may stand in a file's name: "20251122T085103Z".
std::string dated(Instant now) {
    std::string text = to_utc_text(now).substr(0, 19);
    std::erase_if(text, [](char c) { return c == '-' || c == ':'; });
    return text + "Z";
}

void read_own_records(RestoreSituation& situation, const std::string& path) {
    if (!is_there(path)) {
        situation.own_fault = path + " is not there";
        return;
    }
    const auto records = sqlite::read_file_of_records(path);
    if (!records && records.error().code == ErrorCode::unavailable) {
        situation.against.push_back(records.error().message + "; stop flockerd on this node first (systemctl stop flockerd)");
    } else if (!records) {
        situation.own_fault = sqlite::fault_alone(records.error());
    } else {
        situation.own = records->revision;
        if (records->revision < situation.known.newest) return;
        situation.known = {records->revision, {}};
        for (const auto& [id, member] : records->nodes) situation.known.members.push_back(member);
    }
}

Status rename_all(const std::string& path, const std::string& beside) {
    for (const char* part : {"-wal", "-shm", ""}) {
        if (std::rename((path + part).c_str(), (beside + part).c_str()) == 0 || errno == ENOENT) continue;
        return fail(ErrorCode::unavailable, fmt::format("{} can't be renamed: {}", path + part, std::strerror(errno)));
    }
    return {};
}

void remove_prepared(const std::string& prepared) {
    for (const char* part : {"", "-wal", "-shm", ".lock"}) ::unlink((prepared + part).c_str());
}

/// The place goes first: with it, records of before are refused, and so is their absence.
Status put_in_force(const OwnNode& node, const model::ControlPlace& place, const std::string& prepared, const std::string& path,
                    const std::string& beside) {
    FLOCKER_CHECK_OK(write_place(node.config, place));
    FLOCKER_CHECK_OK(rename_all(path, beside));
    if (std::rename(prepared.c_str(), path.c_str()) != 0) {
        return fail(ErrorCode::unavailable, fmt::format("{} can't be renamed: {}", prepared, std::strerror(errno)));
    }
    return posix::sync_folder_of(path);
}

}  // namespace

void heed_words(RestoreSituation& situation, const Backup& backup, const std::vector<Asked>& words) {
    for (const Asked& asked : words) {
        if (!asked.word) {
            situation.notes.push_back(asked.node.name + " does not answer: what its pool knows is heeded when it is back");
            continue;
        }
        const model::ControlWord& word = *asked.word;
        if (word.copied > backup.records.revision && word.copied > situation.own.value_or(model::Revision{})) {
            situation.notes.push_back(fmt::format("{} has a newer copy of the records, of revision {}: `flocker control "
                                                  "takeover` there loses less", asked.node.name, word.copied.value));
        }
        if (word.copied > situation.known.newest) situation.known = {word.copied, word.members};
    }
}

RestoreSituation look_before_restore(const OwnNode& node, const Backup& backup) {
    RestoreSituation situation;
    const auto refuse = [&](const std::string& why) { situation.against.push_back(why); };
    const auto authority = tls::fingerprint(node.authority);
    if (!authority || *authority != backup.head.authority) refuse("the backup is of another cluster: its CA is not this node's");
    const auto place = read_place(node.config);
    if (!place) refuse(place.error().message);
    if (!situation.against.empty()) return situation;
    situation.place = *place;
    const auto connector = node.identity.connector(may_say);
    if (ask(connector, node.config.node.address, node.config.control.port)) {
        refuse("flockerd runs on this node: stop it first (systemctl stop flockerd)");
        return situation;
    }
    const auto told = last_told(node.config);
    if (told) situation.known = {told->revision, told->nodes};
    read_own_records(situation, setup::StateFolder{node.config.state}.records());
    std::vector<model::Node> others;
    const auto add = [&](const model::Node& member) {
        const bool known = std::ranges::find(others, member.id, &model::Node::id) != others.end();
        if (!known && member.id != node.config.node.id) others.push_back(member);
    };
    for (const model::Node& member : situation.known.members) add(member);
    for (const auto& [id, member] : backup.records.nodes) add(member);
    const auto newer = find_newer_place(node.config, situation.place, node.identity, others);
    if (!newer) refuse(newer.error().message);
    if (newer && *newer) situation.place = **newer;
    if (!is_here(node.config, situation.place)) {
        refuse(fmt::format("the control service is at {}, not here: restore it there, or `flocker control takeover` if that "
                           "machine is lost", situation.place.address));
    }
    if (situation.against.empty()) heed_words(situation, backup, ask_all(connector, others, node.config.control.port));
    return situation;
}

Result<Restored> restore(const OwnNode& node, const Backup& backup, const RestoreSituation& situation, Instant now) {
    const setup::StateFolder state{node.config.state};
    const std::string path = state.records();
    FLOCKER_TRY(const posix::Fd held, sqlite::hold_file_of_records(path));
    plan::Known known = situation.known;
    // Also what the term of a restore that broke off was.
    known.newest = std::max(known.newest, plan::first_of_term(situation.place.term));
    const model::Records records = plan::restored(backup.records, known, now);
    std::vector<model::Event> events = backup.events;
    events.push_back({events.empty() ? 1 : events.back().number + 1, now, model::EventKind::records_restored,
                      node.config.node.name,
                      fmt::format("the records are those of revision {}, backed up on {}; what the pools know better is heeded",
                                  backup.records.revision.value, to_utc_text(backup.head.made))});
    const std::string prepared = path + ".restored";
    remove_prepared(prepared);
    if (const Status written = sqlite::write_file_of_records(prepared, records, events); !written) {
        remove_prepared(prepared);
        return fail_in("the backup can't be written here, nothing has changed", written.error());
    }
    const std::string beside = state.file(fmt::format("control-before-restore-{}.sqlite", dated(now)).c_str());
    const bool replaces = is_there(path);
    const model::ControlPlace place{node.config.node.address, situation.place.port, situation.place.agent_port,
                                    plan::term_of(records.revision)};
    FLOCKER_CHECK_OK(put_in_force(node, place, prepared, path, beside));
    remove_prepared(prepared);
    return Restored{replaces ? beside : std::string(), records.revision};
}

}  // namespace flocker::standby
