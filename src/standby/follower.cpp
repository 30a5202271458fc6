// SPDX-License-Identifier: Apache-2.0
#include "standby/follower.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <utility>

#include "adapters/http/client.hpp"
#include "adapters/posix/files.hpp"
#include "adapters/sqlite/state_store.hpp"
#include "adapters/tls/private_file.hpp"
#include "codec/json.hpp"
#include "plan/takeover.hpp"
#include "setup/layout.hpp"
#include "standby/asking.hpp"
#include "standby/copied_store.hpp"
#include "standby/place.hpp"

namespace flocker::standby {
namespace {

constexpr Duration connect_limit = 2s;
/// The other side answers within CopiedStore::wait_max.
constexpr Duration answer_limit = 6s;
constexpr Duration rest_after_failure = 500ms;
/// So long without a word from the control service, and the others are asked for it.
constexpr Duration patience = 3s;
/// Commits come together; so does their copying.
constexpr Duration rest_between_copies = 100ms;
constexpr Duration rival_interval = 2s;
constexpr Duration rival_silence = 5s;

Instant steady_now() {
    return {std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now().time_since_epoch()).count()};
}

/// Somebody on this node has taken over.
bool has_moved(const Watching& watching) {
    const auto place = read_place(watching.config);
    return place && place->term > watching.place.term;
}

}  // namespace

Result<std::optional<model::ControlPlace>> find_newer_place(const manifest::DaemonConfig& config,
                                                           const model::ControlPlace& known,
                                                           const tls::TlsContext& identity,
                                                           const std::vector<model::Node>& members) {
    std::vector<model::Node> others;
    for (const model::Node& node : members) {
        if (node.id != config.node.id) others.push_back(node);
    }
    std::optional<model::ControlPlace> newest;
    for (const Asked& asked : ask_all(identity.connector(may_say), others, config.control.port)) {
        if (!asked.word || asked.word->place.term <= known.term) continue;
        if (!newest || newest->term < asked.word->place.term) newest = asked.word->place;
    }
    if (newest) FLOCKER_CHECK_OK(write_place(config, *newest));
    return newest;
}

Result<std::string> set_old_records_aside(const manifest::DaemonConfig& config, const model::ControlPlace& place) {
    const setup::StateFolder state{config.state};
    if (::access(state.records().c_str(), F_OK) != 0) return std::string();
    const std::string beside = state.file(fmt::format("control-before-term-{}.sqlite", place.term).c_str());
    for (const char* part : {"-wal", "-shm", ""}) {
        if (std::rename((state.records() + part).c_str(), (beside + part).c_str()) == 0 || errno == ENOENT) continue;
        return fail(ErrorCode::unavailable, fmt::format("{} can't be renamed: {}", state.records() + part, std::strerror(errno)));
    }
    FLOCKER_CHECK_OK(posix::sync_folder_of(beside));
    return beside;
}

// --- on the others ------------------------------------------------------------------------------

Follower::Follower(Watching watching) : watching_(std::move(watching)), heard_(steady_now()) {
    const std::string copy = setup::StateFolder{watching_.config.state}.copy();
    if (::access(copy.c_str(), F_OK) == 0) {
        const auto records = sqlite::read_file_of_records(copy);
        if (records) know(*records);
        const auto events = sqlite::read_file_of_events(copy);
        if (events && !events->empty()) last_event_ = events->back().number;
        // It is only a copy: the control service has all of it.
        if (!records && records.error().code == ErrorCode::corrupt) discard_damaged(copy);
    }
    thread_ = std::thread([this] { follow_until_stopped(); });
}

void Follower::discard_damaged(const std::string& copy) {
    tell(fmt::format("the copy of the records was damaged and is made anew; what was there is kept as {}.damaged", copy));
    for (const char* part : {"-wal", "-shm"}) ::unlink((copy + part).c_str());
    static_cast<void>(std::rename(copy.c_str(), (copy + ".damaged").c_str()));
}

Follower::~Follower() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
        if (asking_) asking_->close();
    }
    changed_.notify_all();
    thread_.join();
}

model::ControlWord Follower::word() const {
    const std::lock_guard lock(mutex_);
    return {watching_.config.node.id, watching_.place, false, steady_now() - heard_, copied_, members_};
}

bool Follower::rest(Duration pause) {
    std::unique_lock lock(mutex_);
    return !changed_.wait_for(lock, pause, [this] { return stopping_; });
}

void Follower::tell(const std::string& text) {
    if (std::exchange(last_told_, text) != text) watching_.told(text);
}

void Follower::follow_until_stopped() {
    const auto& place = watching_.place;
    const auto connector = watching_.identity.connector(tls::peer_is("control"));
    http::HttpClient client([&] { return connector(place.address, place.agent_port, connect_limit); },
                            fmt::format("{}:{}", place.address, place.agent_port));
    {
        const std::lock_guard lock(mutex_);
        if (stopping_) return;
        asking_ = &client;
    }
    bool moved = false;
    do {
        const Status taken = take_copy(client);
        if (!taken) tell("the copy of the records is not kept up: " + taken.error().message);
        if (taken) tell("the copy of the records is kept up");
        moved = has_moved(watching_);
        if (!moved && !taken && word().silence > patience) {
            const auto found = find_newer_place(watching_.config, place, watching_.identity, word().members);
            if (!found) tell(found.error().message);
            moved = found && found->has_value();
        }
        if (!rest(taken ? rest_between_copies : rest_after_failure)) break;
    } while (!moved);
    {
        const std::lock_guard lock(mutex_);
        asking_ = nullptr;
    }
    if (moved) watching_.moved();
}

Status Follower::take_copy(http::HttpClient& client) {
    http::Request request;
    request.target = fmt::format("/v1/nodes/{}/records?revision={}&event={}", watching_.config.node.id.value,
                                 word().copied.value, last_event_);
    FLOCKER_TRY(const http::Response response, client.exchange(request, {.source = {}, .sink = {}, .idle_limit = answer_limit}));
    if (response.status != 200 && response.status != 204) {
        return fail(ErrorCode::unavailable, fmt::format("control service {}: {} {}", watching_.place.address, response.status,
                                                        response.body.substr(0, response.body.find('\n'))));
    }
    {
        const std::lock_guard lock(mutex_);
        heard_ = steady_now();
    }
    return response.status == 204 ? Status{} : keep(response.body);
}

Status Follower::keep(const std::string& text) {
    const auto first = text.find('\n');
    const auto second = first == std::string::npos ? first : text.find('\n', first + 1);
    if (second == std::string::npos) return fail(ErrorCode::corrupt, "the copy of the records broke off");
    FLOCKER_TRY(const auto records, codec::decode<model::Records>(std::string_view(text).substr(0, first)));
    if (plan::term_of(records.revision) != plan::term_of(word().copied) && last_event_ != 0) {
        // A takeover or a restore goes on from older events, with numbers that were used before: all are asked for.
        last_event_ = 0;
        return {};
    }
    FLOCKER_TRY(const auto events,
                codec::decode<std::vector<model::Event>>(std::string_view(text).substr(first + 1, second - first - 1)));
    const setup::StateFolder state{watching_.config.state};
    FLOCKER_CHECK_OK(tls::write_private(state.copied_authority_key(), text.substr(second + 1)));
    FLOCKER_CHECK_OK(sqlite::write_file_of_records(state.copy(), records, events));
    if (!events.empty()) last_event_ = events.back().number;
    const std::lock_guard lock(mutex_);
    know(records);
    return {};
}

void Follower::know(const model::Records& records) {
    copied_ = records.revision;
    members_.clear();
    for (const auto& [id, node] : records.nodes) members_.push_back(node);
}

// --- on the one with the control service --------------------------------------------------------

RivalWatch::RivalWatch(Watching watching, const CopiedStore& store) : watching_(std::move(watching)), store_(store) {
    thread_ = std::thread([this] { watch_until_stopped(); });
}

RivalWatch::~RivalWatch() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    changed_.notify_all();
    thread_.join();
}

void RivalWatch::watch_until_stopped() {
    for (;;) {
        {
            std::unique_lock lock(mutex_);
            if (changed_.wait_for(lock, rival_interval, [this] { return stopping_; })) return;
        }
        const auto found =
            find_newer_place(watching_.config, watching_.place, watching_.identity, store_.silent(rival_silence));
        if (!found) watching_.told(found.error().message);
        if ((found && found->has_value()) || has_moved(watching_)) return watching_.moved();
    }
}

}  // namespace flocker::standby
