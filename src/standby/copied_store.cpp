// SPDX-License-Identifier: Apache-2.0
#include "standby/copied_store.hpp"

#include <charconv>
#include <future>
#include <memory>
#include <string_view>

#include "codec/json.hpp"

namespace flocker::standby {
namespace {

/// The loop does not block; if the store takes longer, the node asks again.
constexpr Duration read_limit = 5s;
constexpr std::uint32_t events_max = 10000;

http::Response refusal(unsigned status, const std::string& message) {
    http::Response response;
    response.status = status;
    response.headers.add("Content-Type", "text/plain; charset=utf-8");
    response.body = message + "\n";
    return response;
}

/// The number behind "name=" in a query; 0: none.
std::uint64_t number_in(std::string_view query, std::string_view name) {
    while (!query.empty()) {
        const std::string_view part = query.substr(0, query.find('&'));
        query.remove_prefix(std::min(query.size(), part.size() + 1));
        if (!part.starts_with(name) || part.size() <= name.size() || part[name.size()] != '=') continue;
        std::uint64_t number = 0;
        const std::string_view digits = part.substr(name.size() + 1);
        std::from_chars(digits.data(), digits.data() + digits.size(), number);
        return number;
    }
    return 0;
}

/// What a call on the loop gives, for a thread that waits.
template <class T>
class Awaited {
public:
    [[nodiscard]] Done<T> done() const {
        return [promise = promise_](Result<T> outcome) { promise->set_value(std::move(outcome)); };
    }
    [[nodiscard]] Result<T> get() {
        std::future<Result<T>> outcome = promise_->get_future();
        if (outcome.wait_for(read_limit) == std::future_status::ready) return outcome.get();
        return fail(ErrorCode::timed_out, "the records could not be read in time");
    }

private:
    std::shared_ptr<std::promise<Result<T>>> promise_ = std::make_shared<std::promise<Result<T>>>();
};

}  // namespace

void CopiedStore::load(Done<model::Records> done) {
    store_.load([this, done = std::move(done)](Result<model::Records> records) {
        if (records) keep(*records);
        done(std::move(records));
    });
}

void CopiedStore::commit(model::Revision expected, const std::vector<model::Change>& changes, Done<model::Revision> done) {
    store_.commit(expected, changes, [this, changes, done = std::move(done)](Result<model::Revision> revision) {
        if (revision) {
            const std::lock_guard lock(mutex_);
            revision_ = *revision;
            for (const model::Change& change : changes) {
                if (const auto* put = std::get_if<model::PutNode>(&change)) members_[put->node.id] = put->node;
                if (const auto* erased = std::get_if<model::EraseNode>(&change)) members_.erase(erased->node);
            }
            changed_.notify_all();
        }
        done(std::move(revision));
    });
}

void CopiedStore::events(std::uint64_t after, std::uint32_t limit, Done<std::vector<model::Event>> done) {
    store_.events(after, limit, std::move(done));
}

void CopiedStore::keep(const model::Records& records) {
    const std::lock_guard lock(mutex_);
    revision_ = records.revision;
    members_ = records.nodes;
    changed_.notify_all();
}

std::optional<http::Answer> CopiedStore::respond(const http::Request& request) {
    constexpr std::string_view before = "/v1/nodes/";
    constexpr std::string_view behind = "/records";
    std::string_view path = request.target;
    std::string_view query;
    if (const auto mark = path.find('?'); mark != std::string_view::npos) {
        query = path.substr(mark + 1);
        path = path.substr(0, mark);
    }
    if (!path.starts_with(before) || !path.ends_with(behind)) return std::nullopt;
    path.remove_prefix(before.size());
    path.remove_suffix(std::min(behind.size(), path.size()));
    const model::NodeId node{std::string(path)};
    if (request.peer != "node:" + node.value) return refusal(403, "only node " + node.value + " itself may do this");
    if (request.method != "GET") return refusal(405, "no such method here");
    return answer(node, model::Revision{number_in(query, "revision")}, number_in(query, "event"));
}

http::Answer CopiedStore::answer(const model::NodeId& node, model::Revision known, std::uint64_t last_event) {
    {
        std::unique_lock lock(mutex_);
        if (!members_.empty() && !members_.contains(node)) return refusal(403, "node " + node.value + " is no member");
        asked_[node] = loop_.now();
        changed_.wait_for(lock, wait_max, [&] { return stopping_ || (revision_.value != 0 && revision_ != known); });
        asked_[node] = loop_.now();
        if (stopping_) return refusal(503, "the control service ends");
        // What it waited for may have been its own removal.
        if (!members_.empty() && !members_.contains(node)) return refusal(403, "node " + node.value + " is no member");
        if (revision_.value == 0 || revision_ == known) {
            http::Response nothing;
            nothing.status = 204;
            return nothing;
        }
    }
    const auto copy = read(last_event);
    if (!copy) return refusal(503, copy.error().message);
    http::Response response;
    response.headers.add("Content-Type", "application/octet-stream");
    response.body = codec::encode(copy->records) + "\n" + codec::encode(copy->events) + "\n" + authority_key_;
    return response;
}

Result<CopiedStore::Copy> CopiedStore::read(std::uint64_t last_event) {
    Awaited<model::Records> records;
    Awaited<std::vector<model::Event>> events;
    loop_.post([this, last_event, records = records.done(), events = events.done()] {
        // Events are written with the commits: what comes in this order lacks none of the records'.
        store_.load(records);
        store_.events(last_event, events_max, events);
    });
    Copy copy;
    FLOCKER_TRY(copy.records, records.get());
    FLOCKER_TRY(copy.events, events.get());
    return copy;
}

void CopiedStore::stop() {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
}

model::Revision CopiedStore::revision() const {
    const std::lock_guard lock(mutex_);
    return revision_;
}

std::vector<model::Node> CopiedStore::members() const {
    const std::lock_guard lock(mutex_);
    std::vector<model::Node> all;
    for (const auto& [id, node] : members_) all.push_back(node);
    return all;
}

std::vector<model::Node> CopiedStore::silent(Duration limit) const {
    const std::lock_guard lock(mutex_);
    std::vector<model::Node> found;
    for (const auto& [id, node] : members_) {
        const auto asked = asked_.find(id);
        if (asked == asked_.end() || loop_.now() - asked->second > limit) found.push_back(node);
    }
    return found;
}

}  // namespace flocker::standby
