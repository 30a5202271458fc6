// SPDX-License-Identifier: Apache-2.0
#include "adapters/http/server.hpp"

#include <system_error>
#include <utility>

#include "adapters/http/server_connection.hpp"

namespace flocker::http {
namespace {

/// After a failed accept that is not the listener's end.
constexpr Duration accept_pause = 100ms;

}  // namespace

HttpServer::HttpServer(posix::Listener& listener, Respond respond, ServerLimits limits)
    : listener_(listener),
      respond_(std::move(respond)),
      limits_(limits),
      accepting_([this] { accept_until_stopped(); }) {}

HttpServer::~HttpServer() {
    stop();
}

void HttpServer::stop() {
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

void HttpServer::accept_until_stopped() {
    for (;;) {
        auto stream = listener_.accept();
        if (stream) {
            start(std::move(*stream));
            continue;
        }
        std::unique_lock lock(mutex_);
        if (changed_.wait_for(lock, accept_pause, [this] { return stopping_; })) return;
    }
}

void HttpServer::start(std::unique_ptr<posix::Stream> stream) {
    posix::Stream* const served = stream.get();
    {
        const std::lock_guard lock(mutex_);
        if (stopping_ || threads_ == limits_.connections) return;
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
            serve(*stream);
            finished();
            stream.reset();
            left();
        }).detach();
    } catch (const std::system_error&) {
        finished();
        left();
    }
}

void HttpServer::serve(posix::Stream& stream) const {
    ServerConnection connection(stream, limits_);
    for (auto request = connection.next(); request; request = connection.next()) {
        if (!connection.answer(*request, respond_)) break;
    }
    connection.end();
}

}  // namespace flocker::http
