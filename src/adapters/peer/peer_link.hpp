// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "adapters/peer/connections.hpp"
#include "adapters/peer/pacer.hpp"
#include "adapters/posix/stream.hpp"
#include "adapters/posix/worker_threads.hpp"
#include "ports/byte_stream.hpp"
#include "ports/loop.hpp"
#include "ports/replica_link.hpp"

namespace flocker::peer {

struct OfferSnapshot;

/// Asks other agents: for what they hold, to take a snapshot, for an image. One thread a request,
/// and streams that are kept for the next.
///
/// A snapshot that was cut on its way goes on from where it was when it is sent again: progress then begins
/// there, and the receipt counts what went out this time.
///
/// Errors:  timed_out only when a snapshot was sent whole and no receipt came. Any other loss of the
///          connection is unavailable, and the other side then does not hold the snapshot.
/// Owns:    its threads. The destructor ends what is under way, with unavailable, and waits for it.
class PeerLink final : public ports::ReplicaLink {
public:
    /// Progress is told at most once in this time, and at the end.
    static constexpr Duration progress_interval = std::chrono::milliseconds{200};

    /// All references outlive this. The streams that `connector` makes say in peer() which node they
    /// have reached; anyone but the target is refused.
    PeerLink(ports::Loop& loop, posix::Connector connector, ports::SnapshotStreams& snapshots,
             ports::EngineStreams& engine);
    ~PeerLink() override;

    void holdings(const model::Node& target, const model::DatasetId& dataset, Done<ports::Holdings> done) override;
    void send(const model::SendOrder& order, std::function<void(model::SendProgress)> progress,
              Done<model::SendReceipt> done) override;
    void limit(const model::SendLimits& limits) override { pacer_.limit(limits); }
    void fetch_image(const model::Node& source, const std::string& image, Done<void> done) override;

private:
    class Sending;

    [[nodiscard]] Result<ports::Holdings> ask_holdings(const model::Node& target, const model::DatasetId& dataset);
    [[nodiscard]] Result<model::SendReceipt> send_now(const model::SendOrder& order,
                                                      const std::function<void(model::SendProgress)>& progress);
    /// The target has a part of it: what comes after that, or all if that is not a part of this.
    [[nodiscard]] Status write_rest(const model::SendOrder& order, const ports::StreamPlace& from, Sending& sending);
    [[nodiscard]] Status fetch_image_now(const model::Node& source, const std::string& image);

    ports::Loop& loop_;
    ports::SnapshotStreams& snapshots_;
    ports::EngineStreams& engine_;
    Connections connections_;
    Pacer pacer_;
    posix::WorkerThreads workers_;  ///< Last: its destructor waits for the users of the others.
};

}  // namespace flocker::peer
