// SPDX-License-Identifier: Apache-2.0
#include "standby/takeover.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "adapters/posix/files.hpp"
#include "adapters/sqlite/state_store.hpp"
#include "plan/takeover.hpp"
#include "setup/node_setup.hpp"
#include "standby/beginning.hpp"
#include "standby/follower.hpp"
#include "standby/place.hpp"
#include "standby/when_free.hpp"

namespace flocker::standby {
namespace {

/// A node that has heard the control service within this is a witness that it lives.
constexpr Duration alive_within = 5s;
constexpr Duration begin_limit = 30s;
constexpr Duration look_interval = 200ms;
constexpr std::size_t file_max = std::size_t{1} << 20U;

Instant wall_clock() {
    return {std::chrono::duration_cast<Duration>(std::chrono::system_clock::now().time_since_epoch()).count()};
}

}  // namespace

Result<Situation> look(const manifest::DaemonConfig& config, const tls::TlsContext& identity) {
    const auto connector = identity.connector(may_say);
    Situation situation;
    auto own = ask(connector, config.node.address, config.control.port);
    if (!own) {
        return fail(ErrorCode::unavailable,
                    fmt::format("flockerd does not answer on this node: {}; start it first", own.error().message));
    }
    situation.own = *own;
    std::vector<model::Node> others;
    for (const model::Node& node : own->members) {
        if (node.id != config.node.id) others.push_back(node);
    }
    situation.others = ask_all(connector, others, config.control.port);
    judge(situation);
    return situation;
}

void judge(Situation& situation) {
    const model::ControlWord& own = situation.own;
    if (own.serves) {
        situation.against.emplace_back("this node is the control service");
        return;
    }
    if (own.copied.value == 0) situation.against.emplace_back("this node has no copy of the records yet");
    const auto heard = [&](const std::string& who, Duration silence) {
        situation.against.push_back(fmt::format("{} has heard the control service at {} {} ago, so it is not lost", who,
                                                own.place.address, to_text(silence)));
    };
    if (own.silence < alive_within) heard("this node", own.silence);
    std::size_t reached = 1;
    for (const Asked& asked : situation.others) {
        if (!asked.word) continue;
        ++reached;
        const model::ControlWord& word = *asked.word;
        if (word.place.term > own.place.term) {
            situation.against.push_back(fmt::format("the control service is at {} now, says {}: it has been taken over already",
                                                    word.place.address, asked.node.name));
        } else if (word.serves) {
            situation.against.push_back(
                fmt::format("the control service answers at {} ({})", asked.node.address, asked.node.name));
        } else if (word.silence < alive_within) {
            heard(asked.node.name, word.silence);
        } else if (word.copied > own.copied) {
            situation.doubts.push_back(fmt::format("{} has a newer copy of the records: {} commits that this node lacks; "
                                                   "take over there", asked.node.name, word.copied.value - own.copied.value));
        }
    }
    const std::size_t members = situation.others.size() + 1;
    if (reached * 2 <= members) {
        situation.doubts.push_back(fmt::format(
            "only {} of {} nodes can be reached: if the control service lives behind a cut network, there would be two, and the "
            "applications over there go on being served; make sure that those nodes are off", reached, members));
    }
}

Status take_over(const manifest::DaemonConfig& config, const setup::ConfigFolder& folder, const tls::TlsContext& identity) {
    const setup::StateFolder state{config.state};
    const Instant now = wall_clock();
    FLOCKER_TRY(const model::Records copy, when_free([&] { return sqlite::read_file_of_records(state.copy()); }));
    // The nodes may have been told more, in a later term, than the copy has.
    FLOCKER_TRY(const model::ControlPlace before, read_place(config));
    plan::Known known{std::max(copy.revision, plan::first_of_term(before.term)), {}};
    if (const auto told = last_told(config)) known.newest = std::max(known.newest, told->revision);
    const model::Records records = plan::restored(copy, known, now);
    const model::ControlPlace place{config.node.address, config.control.port, config.control.agent_port,
                                    plan::term_of(records.revision)};
    tls::Authority authority;
    FLOCKER_TRY(authority.certificate, posix::read_file(folder.authority(), file_max));
    FLOCKER_TRY(authority.key, posix::read_file(state.copied_authority_key(), file_max));
    FLOCKER_CHECK_OK(setup::make_control_identity(folder, authority, place.address, place.port));
    FLOCKER_TRY(auto events, when_free([&] { return sqlite::read_file_of_events(state.copy()); }));
    events.push_back({events.empty() ? 1 : events.back().number + 1, now, model::EventKind::control_taken_over, config.node.name,
                      fmt::format("it is the control service now, with the records of revision {}", copy.revision.value)});
    FLOCKER_TRY(const std::string former, set_old_records_aside(config, place));
    FLOCKER_CHECK_OK(sqlite::write_file_of_records(state.records(), records, events));
    // From here on it is so, whatever happens.
    FLOCKER_CHECK_OK(write_place(config, place));
    const auto end = std::chrono::steady_clock::now() + begin_limit;
    const auto connector = identity.connector(may_say);
    while (std::chrono::steady_clock::now() < end) {
        const auto word = ask(connector, config.node.address, config.control.port);
        if (word && word->serves) return {};
        std::this_thread::sleep_for(look_interval);
    }
    return fail(ErrorCode::timed_out,
                "this node is the control service now, but its flockerd has not begun as such; see its log");
}

}  // namespace flocker::standby
