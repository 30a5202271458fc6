// SPDX-License-Identifier: Apache-2.0
#include "adapters/peer/peer_server.hpp"

#include <system_error>
#include <utility>

#include "adapters/peer/peer_session.hpp"

namespace flocker::peer {
namespace {

/// After a failed accept that is not the listener's end.
constexpr Duration accept_pause = 100ms;

}  // namespace

PeerServer::PeerServer(posix::Listener& listener, Answering answering)
    : listener_(listener), answering_(answering), accepting_([this] { accept_until_stopped(); }) {}

PeerServer::~PeerServer() {
    stop();
}

void PeerServer::stop() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
        for (posix::Stream* stream : streams_) stream->close();
    }
    changed_.notify_all();
    listener_.close();
    std::unique_lock lock(mutex_);
    if (accepting_.joinable()) {
        std::thread accepting = std::move(accepting_);
        lock.unlock();
        accepting.join();
        lock.lock();
    }
    changed_.wait(lock, [this] { return threads_ == 0; });
}

void PeerServer::accept_until_stopped() {
    for (;;) {
        auto stream = listener_.accept();
        if (stream) {
            start(std::move(*stream));
            continue;
        }
        std::unique_lock lock(mutex_);
        if (changed_.wait_for(lock, accept_pause, [this] { return stopping_.load(); })) return;
    }
}

void PeerServer::start(std::unique_ptr<posix::Stream> stream) {
    posix::Stream* const served = stream.get();
    {
        const std::lock_guard lock(mutex_);
        if (stopping_ || threads_ == streams_max) return;
        ++threads_;
        streams_.insert(served);
    }
    const auto finished = [this, served] {
        const std::lock_guard lock(mutex_);
        streams_.erase(served);
    };
    const auto left = [this] {
        const std::lock_guard lock(mutex_);
        --threads_;
        changed_.notify_all();
    };
    try {
        std::thread([this, stream = std::move(stream), finished, left]() mutable {
            {
                FrameStream frames(std::move(stream));
                PeerSession(frames, answering_, stopping_, logs_, tree_held_).run();
                finished();
            }
            left();
        }).detach();
    } catch (const std::system_error&) {
        finished();
        left();
    }
}

}  // namespace flocker::peer
