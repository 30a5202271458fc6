// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "adapters/peer/frames.hpp"
#include "adapters/posix/stream.hpp"
#include "base/time.hpp"
#include "model/node.hpp"

namespace flocker::peer {

inline constexpr Duration connect_limit = std::chrono::seconds{5};

/// Streams to other agents, kept after use so that the next increment pays for no handshake.
///
/// Threads: all.
/// Limits:  kept_max idle ones a node, each for kept_for at most (the other side keeps them longer).
class Connections {
public:
    static constexpr std::size_t kept_max = 4;
    static constexpr Duration kept_for = std::chrono::minutes{4};

    /// A stream in use. Closed at the end, unless it is kept.
    class Lease {
    public:
        Lease(Connections& connections, std::string key, std::unique_ptr<FrameStream> frames);
        ~Lease();
        Lease(Lease&& other) noexcept;
        Lease& operator=(Lease&&) = delete;

        [[nodiscard]] FrameStream& frames() { return *frames_; }
        /// It is at the end of a reply, with nothing under way.
        void keep() { keep_ = true; }

    private:
        Connections* connections_;
        std::string key_;
        std::unique_ptr<FrameStream> frames_;
        bool keep_{false};
    };

    explicit Connections(posix::Connector connector) : connector_(std::move(connector)) {}

    /// Errors: denied (another node answers there), unavailable, timed_out: all before anything was sent.
    [[nodiscard]] Result<Lease> take(const model::Node& target);
    /// Closes all streams, those in use as well; nothing can be taken any more.
    void close();

private:
    struct Kept {
        std::unique_ptr<FrameStream> frames;
        Instant since;
    };

    [[nodiscard]] std::unique_ptr<FrameStream> take_kept(const std::string& key);
    void give_back(const std::string& key, std::unique_ptr<FrameStream> frames, bool keep);

    posix::Connector connector_;
    std::mutex mutex_;  ///< Guards what follows.
    std::map<std::string, std::vector<Kept>> kept_;
    std::set<posix::Stream*> in_use_;
    bool closed_{false};
};

}  // namespace flocker::peer
