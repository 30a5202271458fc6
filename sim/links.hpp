// SPDX-License-Identifier: Apache-2.0
//
// The ports of one life of a process: between agents and control service, between agents, to the
// records, to the routes.
#pragma once

#include <algorithm>

#include "ports/assignment_cache.hpp"
#include "ports/control_link.hpp"
#include "ports/replica_link.hpp"
#include "ports/router.hpp"
#include "ports/state_store.hpp"
#include "sim/cluster.hpp"

namespace flocker::sim {

class ControlPort final : public ports::ControlLink {
public:
    ControlPort(Cluster& cluster, Host& host, ProcessLoop& loop) : cluster_(cluster), host_(host), loop_(loop) {}
    void watch(std::function<void(const model::Assignment&)> assigned) override { assigned_ = std::move(assigned); }
    void report(const model::NodeReport& report, Done<model::ReportReceipt> done) override;
    void deliver(const model::Assignment& assignment) {
        if (assigned_) loop_.post([this, assignment] { assigned_(assignment); });
    }

private:
    Cluster& cluster_;
    Host& host_;
    ProcessLoop& loop_;
    std::function<void(const model::Assignment&)> assigned_;
};

class LinkPort final : public ports::ReplicaLink {
public:
    LinkPort(Cluster& cluster, Host& host, ProcessLoop& loop);
    void holdings(const model::Node& target, const model::DatasetId& dataset, Done<ports::Holdings> done) override;
    void send(const model::SendOrder& order, std::function<void(model::SendProgress)> progress,
              Done<model::SendReceipt> done) override;
    void fetch_image(const model::Node& source, const std::string& image, Done<void> done) override;
    void limit(const model::SendLimits& limits) override;

private:
    struct Pace;
    Cluster& cluster_;
    Host& host_;
    ProcessLoop& loop_;
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);
    std::shared_ptr<Pace> pace_;
};

class RouterPort final : public ports::Router {
public:
    RouterPort(World& world, ProcessLoop& loop, RouterHost& host) : world_(world), loop_(loop), host_(host) {
        host_.flushed = [this] { loop_.after(world_.between(1ms, 50ms), [this] { put_right(); }); };
    }
    ~RouterPort() override { host_.flushed = [] {}; }
    RouterPort(const RouterPort&) = delete;
    RouterPort& operator=(const RouterPort&) = delete;
    void apply(const model::RouteTable& table, Done<void> done) override {
        loop_.after(world_.between(1ms, world_.chance(0.2) ? 60ms : 10ms), [this, table, done] {
            host_.apply(table);
            applied_ = table;
            done({});
        });
    }

    void extend_lease(Instant until, Done<void> done) override {
        // In the order of the calls: none takes less time than the one before it.
        lease_told_ = std::max(lease_told_, world_.now() + world_.between(1ms, 10ms));
        loop_.after(lease_told_ - world_.now(), [this, until, done] {
            const Duration left = until - loop_.now();
            if (left <= Duration{0}) return done(fail(ErrorCode::timed_out, "the lease is over"));
            host_.lease_until = world_.now() + left;
            done({});
        });
    }

    void find_taken(Done<std::vector<model::TakenPort>> done) override {
        loop_.after(world_.between(1ms, 5ms), [this, done] { done(host_.taken); });
    }

    void watch(std::function<void(const std::string&)> told) override { told_ = std::move(told); }

private:
    void put_right() {
        if (applied_) host_.apply(*applied_);
        if (applied_ && told_) told_("the rules were gone");
    }

    World& world_;
    ProcessLoop& loop_;
    RouterHost& host_;
    Instant lease_told_;
    std::optional<model::RouteTable> applied_;
    std::function<void(const std::string&)> told_;
};

class CachePort final : public ports::AssignmentCache {
public:
    CachePort(ProcessLoop& loop, std::optional<model::Assignment>& kept) : loop_(loop), kept_(kept) {}
    void load(Done<std::optional<model::Assignment>> done) override {
        loop_.after(2ms, [this, done] { done(kept_); });
    }
    void save(const model::Assignment& assignment, Done<void> done) override {
        loop_.after(2ms, [this, assignment, done] {
            kept_ = assignment;
            done({});
        });
    }

private:
    ProcessLoop& loop_;
    std::optional<model::Assignment>& kept_;
};

class StorePort final : public ports::StateStore {
public:
    StorePort(Cluster& cluster, ProcessLoop& loop) : cluster_(cluster), loop_(loop) {}
    void load(Done<model::Records> done) override;
    void commit(model::Revision expected, const std::vector<model::Change>& changes, Done<model::Revision> done) override;
    void events(std::uint64_t after, std::uint32_t limit, Done<std::vector<model::Event>> done) override;

private:
    /// How long from now until a call that takes so long is served: after those that came before it.
    [[nodiscard]] Duration takes_its_turn(Duration takes);

    Cluster& cluster_;
    ProcessLoop& loop_;
    Instant busy_until_;
};

class SessionsPort final : public ports::AgentSessions {
public:
    explicit SessionsPort(Cluster& cluster) : cluster_(cluster) {}
    void publish(const model::Assignment& assignment) override;

private:
    Cluster& cluster_;
};

class NoRegistry final : public ports::ImageCatalog {
public:
    explicit NoRegistry(ProcessLoop& loop) : loop_(loop) {}
    void find(const std::string& image, Done<void> done) override {
        loop_.after(20ms, [image, done] { done(fail(ErrorCode::unavailable, "no registry has " + image)); });
    }

private:
    ProcessLoop& loop_;
};

}  // namespace flocker::sim
