// SPDX-License-Identifier: Apache-2.0
//
// One stream of the server. Only for this folder's .cpp files.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "adapters/peer/frames.hpp"
#include "adapters/peer/messages.hpp"
#include "adapters/peer/peer_server.hpp"

namespace flocker::peer {

/// Answers the requests that come on one stream, one after another.
class PeerSession {
public:
    PeerSession(FrameStream& frames, Answering answering, const std::atomic<bool>& stopping,
                std::atomic<std::size_t>& logs, std::atomic<bool>& tree_held)
        : frames_(frames), answering_(answering), stopping_(stopping), logs_(logs), tree_held_(tree_held) {}
    ~PeerSession() { let_tree_go(); }
    PeerSession(const PeerSession&) = delete;
    PeerSession& operator=(const PeerSession&) = delete;

    /// Until the other side ends, breaks the rules or is silent for too long.
    void run();

private:
    class StillHere;

    // Each answers one request; false: the stream can't be used any more.
    [[nodiscard]] bool answer(const Request& request);
    [[nodiscard]] bool answer(const AskHoldings& ask);
    [[nodiscard]] bool answer(const OfferSnapshot& offer);
    [[nodiscard]] bool answer(const AskImage& ask);
    [[nodiscard]] bool answer(const AskLogs& ask);
    [[nodiscard]] bool answer(const AskHold& ask);
    [[nodiscard]] bool answer(const AskDigest& ask);

    [[nodiscard]] Status hold(const AskHold& ask);
    void let_tree_go();
    [[nodiscard]] bool receive(const OfferSnapshot& offer, const ports::SnapshotOffer& shown);
    /// What is kept of the very snapshot that is offered, if the sender can go on.
    [[nodiscard]] std::optional<ports::KeptPart> kept_of(const OfferSnapshot& offer);
    [[nodiscard]] bool refuse_body(const Error& error);
    [[nodiscard]] bool reply(const Reply& reply);
    [[nodiscard]] bool reply_with_body(const std::function<Status(const ports::Sink&)>& write);
    /// The other side reads why before it sees the end.
    void end_with(const Error& error);
    /// denied: a node that was removed from the cluster.
    [[nodiscard]] Status ask_whether_known();
    /// Runs `ask` on the loop thread and waits. unavailable: the server stops.
    template <class T>
    [[nodiscard]] Result<T> on_loop(std::function<T()> ask);

    FrameStream& frames_;
    Answering answering_;
    const std::atomic<bool>& stopping_;
    std::atomic<std::size_t>& logs_;
    std::atomic<bool>& tree_held_;
    std::unique_ptr<ports::HeldTree> tree_;  ///< The one of this agent, if it is asked for on this stream.
    std::mutex write_mutex_;  ///< Guards the writing side of frames_.
    std::string peer_;
};

}  // namespace flocker::peer
