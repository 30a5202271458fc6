// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "adapters/tls/tls_stream.hpp"
#include "manifest/daemon_config.hpp"
#include "model/control.hpp"
#include "model/records.hpp"

namespace flocker::http {
class HttpClient;
}

namespace flocker::standby {

class CopiedStore;

/// What both have: a look at the file that says where the control service is, which a takeover on this node
/// changes, and a thread.
struct Watching {
    manifest::DaemonConfig config;
    model::ControlPlace place;  ///< As it was when flockerd began.
    tls::TlsContext identity;   ///< This node's.
    /// Called once, on a thread of the watcher, when the place is another one, and the file says so.
    std::function<void()> moved;
    std::function<void(const std::string&)> told;  ///< For the log; each sentence once.
};

/// On each node without the control service: keeps a copy of the records, and finds the control service when it
/// has been taken over elsewhere.
///
/// Threads: one of its own; word() from any.
/// Crashing: the copy is one state of the records, whole.
class Follower {
public:
    explicit Follower(Watching watching);
    ~Follower();
    Follower(const Follower&) = delete;
    Follower& operator=(const Follower&) = delete;

    [[nodiscard]] model::ControlWord word() const;

private:
    void discard_damaged(const std::string& copy);
    void follow_until_stopped();
    [[nodiscard]] Status take_copy(http::HttpClient& client);
    [[nodiscard]] Status keep(const std::string& text);
    [[nodiscard]] bool rest(Duration pause);
    void tell(const std::string& text);
    void know(const model::Records& records);

    Watching watching_;
    std::string last_told_;
    std::uint64_t last_event_{0};
    mutable std::mutex mutex_;  ///< Guards what follows.
    std::condition_variable changed_;
    Instant heard_;
    model::Revision copied_;
    std::vector<model::Node> members_;
    http::HttpClient* asking_{nullptr};  ///< Whose exchange ends when this is stopped.
    bool stopping_{false};
    std::thread thread_;
};

/// On the node with the control service: asks those that it does not hear whether they follow another one.
class RivalWatch {
public:
    /// `store` outlives this.
    RivalWatch(Watching watching, const CopiedStore& store);
    ~RivalWatch();
    RivalWatch(const RivalWatch&) = delete;
    RivalWatch& operator=(const RivalWatch&) = delete;

private:
    void watch_until_stopped();

    Watching watching_;
    const CopiedStore& store_;
    std::mutex mutex_;
    std::condition_variable changed_;
    bool stopping_{false};
    std::thread thread_;
};

/// Asks the members whether the control service is somewhere else by now; writes it down if so. The place that
/// was found; nullopt: none that is newer.
[[nodiscard]] Result<std::optional<model::ControlPlace>> find_newer_place(const manifest::DaemonConfig& config,
                                                                         const model::ControlPlace& known,
                                                                         const tls::TlsContext& identity,
                                                                         const std::vector<model::Node>& members);

/// On a node that had the control service and has it no longer: its records are kept beside, under another name, which
/// is returned; empty: there were none.
[[nodiscard]] Result<std::string> set_old_records_aside(const manifest::DaemonConfig& config, const model::ControlPlace& place);

}  // namespace flocker::standby
