// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <thread>

#include "adapters/posix/stream.hpp"
#include "ports/byte_stream.hpp"
#include "ports/loop.hpp"
#include "ports/replica_link.hpp"
#include "ports/snapshot_digests.hpp"

namespace flocker::peer {

/// What the agent answers from. All of it outlives the server.
struct Answering {
    ports::Loop& loop;
    ports::ReplicaInbox& inbox;  ///< Asked on the loop thread.
    ports::SnapshotStreams& snapshots;
    ports::EngineStreams& engine;
    ports::SnapshotDigests* digests{nullptr};  ///< nullptr: it makes none.
};

/// Answers other agents and, for logs and digests, the control service, on the streams of a listener; one thread
/// a stream, from its construction on. Who asks is who Stream::peer() says: "node:<uuid>" for
/// snapshots, holdings and images, "control" for logs and digests; everyone else is denied everything, and so is a
/// node that the inbox does not know.
///
/// A snapshot is offered to the inbox before a byte of it goes to the store, and received() is called
/// before the sender gets its receipt.
///
/// Threads: stop() from any thread but the loop's and the server's own, or when the loop has ended.
/// Limits:  streams_max at a time (one more is closed at once), logs_max of them with logs, one with a held tree.
/// Owns:    its threads. The listener outlives this; stop() closes it.
class PeerServer {
public:
    static constexpr std::size_t streams_max = 128;
    static constexpr std::size_t logs_max = 32;

    PeerServer(posix::Listener& listener, Answering answering);
    ~PeerServer();
    PeerServer(const PeerServer&) = delete;
    PeerServer& operator=(const PeerServer&) = delete;

    /// Closes the listener and all streams, and waits until no thread is left; the engine must end
    /// the logs that it follows, too. Again: nothing.
    void stop();

private:
    void accept_until_stopped();
    void start(std::unique_ptr<posix::Stream> stream);

    posix::Listener& listener_;
    Answering answering_;
    std::atomic<bool> stopping_{false};
    std::atomic<std::size_t> logs_{0};
    std::atomic<bool> tree_held_{false};
    std::mutex mutex_;  ///< Guards what follows.
    std::condition_variable changed_;
    std::set<posix::Stream*> streams_;
    std::size_t threads_{0};
    std::thread accepting_;
};

}  // namespace flocker::peer
