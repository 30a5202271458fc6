// SPDX-License-Identifier: Apache-2.0
#include "adapters/peer/connections.hpp"

#include <chrono>
#include <utility>

namespace flocker::peer {
namespace {

Instant steady_now() {
    return {std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now().time_since_epoch()).count()};
}

std::string key_of(const model::Node& target) {
    return target.id.value + "@" + target.address + ":" + std::to_string(target.data_port);
}

}  // namespace

Connections::Lease::Lease(Connections& connections, std::string key, std::unique_ptr<FrameStream> frames)
    : connections_(&connections), key_(std::move(key)), frames_(std::move(frames)) {}

Connections::Lease::Lease(Lease&& other) noexcept
    : connections_(other.connections_),
      key_(std::move(other.key_)),
      frames_(std::move(other.frames_)),
      keep_(other.keep_) {}

Connections::Lease::~Lease() {
    if (frames_) connections_->give_back(key_, std::move(frames_), keep_);
}

std::unique_ptr<FrameStream> Connections::take_kept(const std::string& key) {
    for (;;) {
        Kept kept;
        {
            const std::lock_guard lock(mutex_);
            auto& list = kept_[key];
            if (list.empty()) return nullptr;
            kept = std::move(list.back());
            list.pop_back();
        }
        // The other side says nothing of itself, so news is its end.
        if (steady_now() - kept.since < kept_for && !kept.frames->has_news()) return std::move(kept.frames);
    }
}

Result<Connections::Lease> Connections::take(const model::Node& target) {
    std::string key = key_of(target);
    auto frames = take_kept(key);
    if (!frames) {
        FLOCKER_TRY(auto stream, connector_(target.address, target.data_port, connect_limit));
        if (stream->peer() != "node:" + target.id.value) {
            return fail(ErrorCode::denied, "at " + target.address + ":" + std::to_string(target.data_port) + " is '" +
                                               stream->peer() + "' and not node " + target.name);
        }
        frames = std::make_unique<FrameStream>(std::move(stream));
    }
    frames->stream().set_idle_limit(silence_limit);
    const std::lock_guard lock(mutex_);
    if (closed_) return fail(ErrorCode::unavailable, "this agent is stopping");
    in_use_.insert(&frames->stream());
    return Lease(*this, std::move(key), std::move(frames));
}

void Connections::give_back(const std::string& key, std::unique_ptr<FrameStream> frames, bool keep) {
    std::vector<Kept> let_go;
    const std::lock_guard lock(mutex_);
    in_use_.erase(&frames->stream());
    auto& list = kept_[key];
    if (!keep) {
        // If the other side went away, its kept streams are gone too and may not know it yet.
        let_go.swap(list);
    } else if (!closed_ && list.size() < kept_max) {
        list.push_back({std::move(frames), steady_now()});
    }
}

void Connections::close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    for (posix::Stream* stream : in_use_) stream->close();
    kept_.clear();
}

}  // namespace flocker::peer
