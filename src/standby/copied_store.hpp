// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "adapters/http/server.hpp"
#include "model/node.hpp"
#include "ports/loop.hpp"
#include "ports/state_store.hpp"

namespace flocker::standby {

/// The control service's records, of which every other node keeps a copy, a moment after each commit.
///
///   GET /v1/nodes/<id>/records?revision=<n>&event=<n>
///       as soon as there is a commit after this revision: the records as JSON, the events after that one as JSON,
///       each on a line, and the CA's key as PEM. 204 if none comes in `wait_max`.
///
/// Only the node itself may ask (403). Whoever asks has heard the control service and has a copy of that revision.
///
/// Threads: as StateStore; respond() on the server's threads; the others from any. `store` and `loop` outlive this.
class CopiedStore final : public ports::StateStore {
public:
    CopiedStore(ports::StateStore& store, ports::Loop& loop, std::string authority_key)
        : store_(store), loop_(loop), authority_key_(std::move(authority_key)) {}

    void load(Done<model::Records> done) override;
    void commit(model::Revision expected, const std::vector<model::Change>& changes, Done<model::Revision> done) override;
    void events(std::uint64_t after, std::uint32_t limit, Done<std::vector<model::Event>> done) override;

    /// nullopt: not a request of ours.
    [[nodiscard]] std::optional<http::Answer> respond(const http::Request& request);
    /// Ends all requests that wait. Before the server is stopped.
    void stop();

    [[nodiscard]] model::Revision revision() const;
    /// All members.
    [[nodiscard]] std::vector<model::Node> members() const;
    /// Those that have not asked for so long.
    [[nodiscard]] std::vector<model::Node> silent(Duration limit) const;

    static constexpr Duration wait_max = 2s;

private:
    struct Copy {
        model::Records records;
        std::vector<model::Event> events;
    };
    [[nodiscard]] http::Answer answer(const model::NodeId& node, model::Revision known, std::uint64_t last_event);
    [[nodiscard]] Result<Copy> read(std::uint64_t last_event);
    void keep(const model::Records& records);

    ports::StateStore& store_;
    ports::Loop& loop_;
    std::string authority_key_;
    mutable std::mutex mutex_;  ///< Guards what follows.
    std::condition_variable changed_;
    model::Revision revision_;
    std::map<model::NodeId, model::Node> members_;
    std::map<model::NodeId, Instant> asked_;
    bool stopping_{false};
};

}  // namespace flocker::standby
