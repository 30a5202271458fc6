// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "driver/agent_driver.hpp"
#include "driver/control_driver.hpp"
#include "sim/engine.hpp"
#include "sim/pool.hpp"
#include "sim/world.hpp"

namespace flocker::sim {

class Cluster;

/// What the control service keeps for ever. Outlives its process.
struct Disk {
    model::Records records;
    std::vector<model::Event> events;
    std::deque<model::Records> copies;  ///< Of before the last commits, newest last: what other nodes may have of them.
    std::deque<model::Records> archive;  ///< The same of long ago, for one that is restored.
    /// What commits said of owners that a takeover or a restore began without.
    std::map<model::SubjectId, model::Ownership> forgotten;
};

/// Where a client's connection ended.
struct Arrival {
    enum class Kind : std::uint8_t { reached, refused, lost };
    Kind kind{Kind::lost};
    std::string node;       ///< Of the container.
    std::string container;  ///< The engine's id.
};

/// The kernel's routes of one node; they outlive the agent and end with the node.
class RouterHost {
public:
    explicit RouterHost(World& world) : world_(world) {}
    void apply(const model::RouteTable& table);
    void power_loss();
    /// Somebody removes all rules of the kernel: nothing is routed, nothing passes, until they are made anew.
    void flush();
    /// Calls `go` at once, or when the port is no longer held; with nullptr: refused, because there is no
    /// such route or it waited for too long.
    /// A datagram whose wait is over is dropped: it is never called.
    void lookup(const model::ExternalPort& port, std::function<void(const model::RouteEntry*)> go);
    [[nodiscard]] const model::RouteTable& table() const { return table_; }
    /// Whether a client and this container may exchange packets now.
    [[nodiscard]] bool passes(const std::string& address) const;

    Instant lease_until;
    std::vector<model::TakenPort> taken;  ///< By strangers.
    std::function<void()> flushed = [] {};  ///< What the router's process does when it hears of it.

private:
    using Go = std::function<void(const model::RouteEntry*)>;

    World& world_;
    model::RouteTable table_;
    std::multimap<model::ExternalPort, std::shared_ptr<Go>> waiting_;
    bool bare_{false};  ///< Flushed, and not made anew yet.
};

/// One machine with its disk, its engine, its routes, and its agent while that lives.
class Host {
public:
    Host(Cluster& cluster, model::Node node);
    ~Host();
    Host(const Host&) = delete;
    Host& operator=(const Host&) = delete;

    void start_agent();
    void kill_agent();
    /// It finds the control service where it is now, and begins anew with it.
    void turn_to_control();
    void power_off();
    void power_on();
    /// Somebody who knows nothing of us removes rules or a container, or restarts the engine.
    void stranger_acts();

    /// Its packets pass, by the lease.
    [[nodiscard]] bool answers(const std::string& container) const;
    [[nodiscard]] bool powered() const { return powered_; }
    [[nodiscard]] bool agent_runs() const { return life_ != nullptr; }
    /// An assignment arrives at the agent, if it lives.
    void deliver(const model::Assignment& assignment);
    [[nodiscard]] driver::AgentDriver* agent();
    [[nodiscard]] ports::Loop* agent_loop();

    /// Its agent stands still for so long, while the kernel and the containers go on.
    void freeze_agent(Duration duration);
    [[nodiscard]] Instant clock_now() const { return clock_.at(world_now()); }

    Cluster& cluster;
    model::Node node;
    PoolDisk pool;
    EngineHost engine;
    RouterHost router;
    std::optional<model::Assignment> cached;
    std::uint64_t follows{0};  ///< The term of the control service that it reports to.

private:
    struct Life;
    std::unique_ptr<Life> life_;
    [[nodiscard]] Instant world_now() const;
    bool powered_{true};
    Instant booted_;
    Clock clock_;
};

/// A whole cluster: hosts, the control service, the network between them.
class Cluster {
public:
    Cluster(World& world, Faults& faults, int hosts);
    ~Cluster();
    Cluster(const Cluster&) = delete;
    Cluster& operator=(const Cluster&) = delete;

    void start_control();
    void kill_control();
    /// The control service is gone for ever, and begins anew elsewhere with a copy that lacks the last commits;
    /// false: there is no such copy.
    bool take_over(std::size_t missing);
    /// It begins anew where it is with a backup that lacks so many of the last commits, or as many as there are.
    bool restore(std::size_t missing);
    /// Who owns it in truth: by the records, or by a commit that they have forgotten and that its owner acted on.
    [[nodiscard]] const model::Ownership* owner_of(const model::SubjectId& subject) const;
    [[nodiscard]] driver::ControlDriver* control();
    [[nodiscard]] Host& host(const std::string& id) { return *hosts.at(id); }

    /// A client that stands at `node` connects to a port there.
    void connect(const std::string& node, const model::ExternalPort& port, std::function<void(Arrival)> done, int hops = 0);
    [[nodiscard]] std::vector<std::string> names() const;

    World& world;
    Faults& faults;
    Network network;
    Disk disk;
    std::map<std::string, std::unique_ptr<Host>> hosts;
    std::map<std::string, model::Assignment> newest_assignments;  ///< Of the control service that lives.
    /// Told of every connection that reached a container: (host, container).
    std::function<void(Host&, const EngineHost::Container&)> reached = [](Host&, const EngineHost::Container&) {};
    /// Told of every commit, before and after.
    std::function<void(const model::Records&, const model::Records&)> committed = [](const auto&, const auto&) {};

private:
    struct ControlLife;
    bool begin_with(const model::Records& copy, model::Records records, const std::string& story);
    void redeliver();
    std::unique_ptr<ControlLife> control_;
};

}  // namespace flocker::sim
