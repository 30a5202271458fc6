// SPDX-License-Identifier: Apache-2.0
#include "sim/cluster.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "plan/takeover.hpp"
#include "sim/links.hpp"

namespace flocker::sim {

using namespace model;

// --- routes -------------------------------------------------------------------------------------

namespace {

/// As in the kernel: nftables/nft_router.hpp.
constexpr Duration held_at_most = 60s;
constexpr Duration datagram_held_at_most = 10s;

}  // namespace

void RouterHost::apply(const RouteTable& table) {
    table_ = table;
    bare_ = false;
    std::vector<std::pair<ExternalPort, std::shared_ptr<Go>>> released;
    for (auto each = waiting_.begin(); each != waiting_.end();) {
        const auto entry = table_.find(each->first);
        if (entry != table_.end() && entry->second.held) {
            ++each;
        } else {
            released.emplace_back(each->first, each->second);
            each = waiting_.erase(each);
        }
    }
    for (auto& [port, go] : released) lookup(port, *go);
}

void RouterHost::power_loss() {
    table_.clear();
    lease_until = {};
    auto waiting = std::exchange(waiting_, {});
    waiting.clear();
}

void RouterHost::flush() {
    table_.clear();
    lease_until = {};
    bare_ = true;
    flushed();
}

bool RouterHost::passes(const std::string& address) const {
    if (bare_) return false;
    const bool leased = std::ranges::any_of(table_, [&](const auto& entry) {
        const auto& [external, route] = entry;
        return route.leased && route.target && route.target->local && route.target->address == address;
    });
    return !leased || world_.now() < lease_until;
}

void RouterHost::lookup(const ExternalPort& port, std::function<void(const RouteEntry*)> go) {
    const auto entry = table_.find(port);
    if (entry == table_.end()) return go(nullptr);
    if (entry->second.held) {
        const auto waits = std::make_shared<Go>(std::move(go));
        waiting_.emplace(port, waits);
        const bool udp = port.protocol == Protocol::udp;
        world_.at(udp ? datagram_held_at_most : held_at_most, [this, port, waits, udp] {
            const auto [first, last] = waiting_.equal_range(port);
            for (auto each = first; each != last; ++each) {
                if (each->second != waits) continue;
                waiting_.erase(each);
                if (!udp) (*waits)(nullptr);
                return;
            }
        });
        return;
    }
    go(&entry->second);
}

// --- hosts --------------------------------------------------------------------------------------

struct Host::Life {
    Life(Host& host, Instant booted)
        : loop(host.cluster.world, host.clock_),
          datasets(host.cluster.world, loop, host.cluster.faults, host.pool),
          engine(host.cluster.world, loop, host.cluster.faults, host.engine),
          router(host.cluster.world, loop, host.router),
          link(host.cluster, host, loop),
          control(host.cluster, host, loop),
          cache(loop, host.cached),
          driver({loop, datasets, engine, router, link, control, cache},
                 {host.node.id, "/flocker", 0x0ad50002U, 200, host.clock_now(), booted},
                 [&host](const std::string& line) { host.cluster.world.trace(host.node.name, line); }) {}

    ProcessLoop loop;
    PoolStore datasets;
    EnginePort engine;
    RouterPort router;
    LinkPort link;
    ControlPort control;
    CachePort cache;
    driver::AgentDriver driver;
};

Host::Host(Cluster& owner, Node self)
    : cluster(owner), node(std::move(self)), pool(node.name), engine(owner.world, pool),
      router(owner.world) {
    // Nobody keeps clocks better than this who keeps them at all; some do not.
    if (owner.world.chance(0.5)) clock_.skew = owner.world.between(-3600s, 3600s);
    if (owner.world.chance(0.5)) clock_.drift_ppm = static_cast<std::int64_t>(owner.world.draw(4000)) - 2000;
    booted_ = clock_now();
    engine.clock = [this] { return clock_now(); };
}

Host::~Host() = default;

void Host::start_agent() {
    if (!powered_ || life_) return;
    cluster.world.trace(node.name, "agent starts");
    follows = plan::term_of(cluster.disk.records.revision);
    life_ = std::make_unique<Life>(*this, booted_);
    life_->driver.start();
    const auto newest = cluster.newest_assignments.find(node.id.value);
    if (newest != cluster.newest_assignments.end()) {
        const Assignment assignment = newest->second;
        cluster.network.send("control", node.name, [this, assignment] { deliver(assignment); });
    }
}

void Host::kill_agent() {
    if (!life_) return;
    cluster.world.trace(node.name, "agent dies");
    life_.reset();
}

void Host::turn_to_control() {
    const std::uint64_t term = plan::term_of(cluster.disk.records.revision);
    if (follows == term || !life_) return;
    kill_agent();
    start_agent();
}

void Host::stranger_acts() {
    if (!powered_) return;
    World& world = cluster.world;
    std::uint64_t what = world.draw(3);
    // An agent that was away meanwhile takes them for ended by themselves, and obeys their restart policy.
    if (what == 1 && engine.has_one_that_stays_down()) what = 2;
    world.trace(node.name, what == 0 ? "a stranger removes all rules"
                                     : what == 1 ? "a stranger restarts the engine" : "a stranger removes the containers");
    if (what == 0) return router.flush();
    if (what == 2) return engine.remove_all();
    engine.go_away();
    world.at(world.between(300ms, 5s), [this] { engine.come_back(); });
}

void Host::power_off() {
    if (!powered_) return;
    kill_agent();
    cluster.world.trace(node.name, "power lost");
    powered_ = false;
    engine.power_loss();
    pool.power_loss();
    router.power_loss();
}

void Host::power_on() {
    if (powered_) return;
    cluster.world.trace(node.name, "power back");
    powered_ = true;
    booted_ = clock_now();
    start_agent();
}

bool Host::answers(const std::string& container) const {
    const EngineHost::Container* found = engine.by_id(container);
    return found && router.passes(found->spec.address);
}

void Host::freeze_agent(Duration duration) {
    if (!life_) return;
    cluster.world.trace(node.name, "agent freezes for " + to_text(duration));
    life_->loop.freeze(duration);
}

Instant Host::world_now() const { return cluster.world.now(); }

void Host::deliver(const Assignment& assignment) {
    if (plan::term_of(assignment.revision) != follows) return;
    if (life_) life_->control.deliver(assignment);
}

driver::AgentDriver* Host::agent() { return life_ ? &life_->driver : nullptr; }
ports::Loop* Host::agent_loop() { return life_ ? &life_->loop : nullptr; }

// --- the cluster --------------------------------------------------------------------------------

struct Cluster::ControlLife {
    explicit ControlLife(Cluster& cluster)
        : loop(cluster.world),
          store(cluster, loop),
          sessions(cluster),
          images(loop),
          driver({loop, store, sessions, images},
                 [&cluster](const std::string& line) { cluster.world.trace("control", line); }) {}

    ProcessLoop loop;
    StorePort store;
    SessionsPort sessions;
    NoRegistry images;
    driver::ControlDriver driver;
};

Cluster::Cluster(World& the_world, Faults& the_faults, int count)
    : world(the_world), faults(the_faults), network(the_world, the_faults) {
    static const std::vector<std::string> names{"alder", "birch", "cedar", "dogwood", "elm"};
    for (int i = 0; i < count; ++i) {
        const std::string& name = names.at(static_cast<std::size_t>(i));
        Node node;
        node.id = NodeId{name};
        node.name = name;
        node.hostname = name;
        node.address = "192.168.0." + std::to_string(10 + i);
        node.datacenter = i % 2 == 0 ? "east" : "west";
        disk.records.nodes[node.id] = node;
        hosts.emplace(name, std::make_unique<Host>(*this, node));
    }
    disk.records.revision = Revision{1};
    world.at(1s, [this] { redeliver(); });
}

Cluster::~Cluster() = default;

void Cluster::start_control() {
    if (control_) return;
    world.trace("control", "starts");
    control_ = std::make_unique<ControlLife>(*this);
    control_->driver.start();
}

void Cluster::kill_control() {
    if (!control_) return;
    world.trace("control", "dies");
    control_.reset();
    newest_assignments.clear();
}

bool Cluster::take_over(std::size_t missing) {
    if (control_ || missing > disk.copies.size()) return false;
    const Records copy = missing == 0 ? disk.records : disk.copies.at(disk.copies.size() - missing);
    return begin_with(copy, plan::taken_over(copy, world.now()),
                      fmt::format("is taken over with a copy that lacks {} commits", missing));
}

bool Cluster::restore(std::size_t missing) {
    if (control_ || disk.archive.empty()) return false;
    missing = std::min(missing, disk.archive.size());
    const Records copy = disk.archive.at(disk.archive.size() - missing);
    plan::Known known{disk.records.revision, {}};
    for (const auto& [id, node] : disk.records.nodes) known.members.push_back(node);
    return begin_with(copy, plan::restored(copy, known, world.now()),
                      fmt::format("begins with a backup that lacks {} commits", missing));
}

bool Cluster::begin_with(const Records& copy, Records records, const std::string& story) {
    const Records before = disk.records;
    for (const auto& [subject, ownership] : before.ownerships) {
        const auto was = copy.ownerships.find(subject);
        const bool unchanged = was != copy.ownerships.end() && was->second.epoch == ownership.epoch;
        // What an operator or a lease decided, and nobody knows of any more, is nobody's promise.
        if (!unchanged && ownership.promoting) return false;
    }
    for (const auto& [subject, ownership] : before.ownerships) {
        const auto [known, is_new] = disk.forgotten.emplace(subject, ownership);
        if (!is_new && known->second.epoch < ownership.epoch) known->second = ownership;
    }
    world.trace("control", story);
    disk.records = std::move(records);
    disk.copies.clear();
    for (const auto& [name, each] : hosts) {
        world.at(world.between(200ms, 5s), [host = each.get()] { host->turn_to_control(); });
    }
    return true;
}

const Ownership* Cluster::owner_of(const SubjectId& subject) const {
    const auto known = disk.records.ownerships.find(subject);
    const auto forgotten = disk.forgotten.find(subject);
    const Ownership* now = known == disk.records.ownerships.end() ? nullptr : &known->second;
    if (forgotten == disk.forgotten.end() || !forgotten->second.dataset) return now;
    const Ownership& lost = forgotten->second;
    if (now && now->epoch >= lost.epoch) return now;
    const auto* dataset = hosts.at(lost.owner.value)->pool.find(*lost.dataset);
    const bool acted = dataset && ((dataset->live && dataset->epoch == lost.epoch) ||
                                   (dataset->trial_data && dataset->trial && dataset->trial->move == lost.won_by));
    return acted ? &lost : now;
}

driver::ControlDriver* Cluster::control() { return control_ ? &control_->driver : nullptr; }

/// A watch that broke is opened anew, and then the newest assignment is there at once.
void Cluster::redeliver() {
    if (control_) {
        for (const auto& [name, assignment] : newest_assignments) {
            Host& to = host(name);
            network.send("control", name, [&to, newest = assignment] { to.deliver(newest); });
        }
    }
    world.at(2s, [this] { redeliver(); });
}

void Cluster::connect(const std::string& name, const ExternalPort& port, std::function<void(Arrival)> done, int hops) {
    Host& at = host(name);
    if (!at.powered() || hops > 4) return done({Arrival::Kind::lost, {}, {}});
    at.router.lookup(port, [this, &at, port, done, hops](const RouteEntry* entry) {
        if (!at.powered()) return done({Arrival::Kind::lost, {}, {}});
        if (!entry || !entry->target) {
            world.trace(at.node.name, "refuses a client: no route for " + to_text(port));
            return done({Arrival::Kind::refused, {}, {}});
        }
        if (entry->target->local) {
            const auto* container = at.engine.at_address(entry->target->address);
            if (!container || !at.engine.listens(container->spec.application.name)) {
                world.trace(at.node.name, "refuses a client: nobody listens for " + to_text(port));
                return done({Arrival::Kind::refused, {}, {}});
            }
            if (!at.router.passes(entry->target->address)) return done({Arrival::Kind::lost, {}, {}});
            reached(at, *container);
            return done({Arrival::Kind::reached, at.node.name, container->id});
        }
        for (auto& [next, host] : hosts) {
            if (host->node.address != entry->target->address) continue;
            if (!network.connected(at.node.name, next)) return done({Arrival::Kind::lost, {}, {}});
            world.at(network.latency(), [this, beyond = next, port, done, hops] { connect(beyond, port, done, hops + 1); });
            return;
        }
        done({Arrival::Kind::lost, {}, {}});
    });
}

std::vector<std::string> Cluster::names() const {
    std::vector<std::string> all;
    for (const auto& [name, host] : hosts) all.push_back(name);
    return all;
}

}  // namespace flocker::sim
