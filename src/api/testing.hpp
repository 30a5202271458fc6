// SPDX-License-Identifier: Apache-2.0
//
// For this room's tests and the command line's: a real control service over a store in memory.
#pragma once

#include <atomic>
#include <future>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "adapters/posix/event_loop.hpp"
#include "api/api.hpp"
#include "model/action.hpp"

namespace flocker::api::testing {

[[nodiscard]] inline Status say(const ports::Sink& sink, std::string_view text) {
    return sink(std::as_bytes(std::span(text)));
}

inline model::Node node(const std::string& name, const std::string& address, const std::string& datacenter = "") {
    model::Node node;
    node.id = model::NodeId{"id-of-" + name};
    node.name = name;
    node.hostname = name + ".example";
    node.address = address;
    node.datacenter = datacenter;
    return node;
}

inline const model::DatasetId orders{"11111111-2222-4333-8444-555555555555"};

inline model::Application application(const std::string& name, std::uint16_t external = 0) {
    model::Application application;
    application.name = model::ApplicationName{name};
    application.image = name + ":1";
    if (external != 0) application.ports.push_back({80, external});
    return application;
}
inline model::Application database(const std::string& name, std::uint16_t external) {
    model::Application database = application(name, external);
    database.volume = model::Volume{orders, "/data", {}, {}};
    database.environment = {{"PASSWORD", "hunter2"}};
    return database;
}
inline model::Deployment deployment(const std::vector<std::pair<std::string, model::Application>>& placed) {
    model::Deployment deployment;
    for (const auto& [place, application] : placed) {
        deployment.applications.push_back(application);
        deployment.places[model::NodeReference{place}].push_back(application.name);
    }
    return deployment;
}

/// The container that an agent would have made.
inline model::ContainerSeen container(const model::Wanted& wanted, const model::Node& on,
                                      model::ContainerSeen::Status status = model::ContainerSeen::Status::running) {
    model::ContainerSpec spec;
    spec.application = wanted.application;
    spec.links_host = on.address;
    spec.incarnation = wanted.incarnation;
    model::ContainerSeen seen;
    seen.application = wanted.application.name;
    seen.container = "c0ffee";
    seen.fingerprint = fingerprint(spec);
    seen.status = status;
    seen.ready = status == model::ContainerSeen::Status::running;
    return seen;
}

class MemoryStore final : public ports::StateStore {
public:
    explicit MemoryStore(ports::Loop& loop, model::Records records = {}) : loop_(loop), records_(std::move(records)) {}

    void load(Done<model::Records> done) override {
        loop_.post([this, done] { done(records_); });
    }
    void commit(model::Revision expected, const std::vector<model::Change>& changes,
                Done<model::Revision> done) override {
        loop_.post([this, expected, changes, done] {
            if (fails) return done(fail(ErrorCode::unavailable, "the disk is full"));
            if (expected != records_.revision) return done(fail(ErrorCode::conflict, "another revision"));
            for (const model::Change& change : changes) {
                model::apply(change, records_);
                if (const auto* added = std::get_if<model::AddEvent>(&change)) {
                    events_.push_back(added->event);
                    events_.back().number = events_.size();
                }
            }
            ++records_.revision.value;
            done(records_.revision);
        });
    }
    void events(std::uint64_t after, std::uint32_t limit, Done<std::vector<model::Event>> done) override {
        loop_.post([this, after, limit, done] {
            std::vector<model::Event> found;
            for (const model::Event& event : events_) {
                if (event.number > after && found.size() < limit) found.push_back(event);
            }
            done(std::move(found));
        });
    }

    std::atomic<bool> fails{false};

private:
    ports::Loop& loop_;
    model::Records records_;
    std::vector<model::Event> events_;
};

class MemoryEnrollment final : public ports::Enrollment {
public:
    Result<std::string> create_token(Duration lifetime) override {
        entries.push_back({"t" + std::to_string(entries.size() + 1), {}, Instant{} + lifetime, "", false});
        return "secret-" + entries.back().id;
    }
    Result<std::vector<ports::TokenEntry>> tokens() override { return entries; }
    Status revoke_token(const std::string& id) override {
        for (ports::TokenEntry& entry : entries) {
            if (entry.id != id) continue;
            entry.revoked = true;
            return {};
        }
        return fail(ErrorCode::not_found, "no token " + id);
    }
    Result<ports::JoinAnswer> enroll(const ports::JoinRequest& request) override {
        for (ports::TokenEntry& entry : entries) {
            if (request.token != "secret-" + entry.id || entry.revoked || !entry.used_by.empty()) continue;
            entry.used_by = request.node.name;
            ports::JoinAnswer answer{request.node, "certificate", "authority"};
            answer.node.id = model::NodeId{"id-of-" + request.node.name};
            return answer;
        }
        return fail(ErrorCode::denied, "the token is unknown");
    }

    std::vector<ports::TokenEntry> entries;
};

class NoSessions final : public ports::AgentSessions {
    void publish(const model::Assignment&) override {}
};

class AnyImage final : public ports::ImageCatalog {
    void find(const std::string& image, Done<void> done) override {
        if (image.starts_with("missing")) return done(fail(ErrorCode::unavailable, "no such image"));
        done({});
    }
};

/// A control service with its loop on a thread of its own.
class TestControl {
public:
    /// `records`: what it finds when it begins.
    explicit TestControl(model::Records records = {})
        : store_(loop_, std::move(records)),
          control_({loop_, store_, sessions_, images_}, [](const std::string&) {}),
          api_({loop_, control_, enrollment_,
                [this](const model::Node& from, const model::ApplicationName& application, std::uint32_t tail,
                       bool follow, const ports::Sink& sink) { return logs(from, application, tail, follow, sink); },
                [this](const model::Node& on, const model::DatasetId& dataset, const model::SnapshotId& snapshot) {
                    return digests(on, dataset, snapshot);
                }}),
          thread_([this] { loop_.run(); }) {
        on_loop([this] { control_.start(); });
    }
    ~TestControl() {
        api_.close();
        loop_.stop();
        thread_.join();
    }
    TestControl(const TestControl&) = delete;
    TestControl& operator=(const TestControl&) = delete;

    void on_loop(std::function<void()> work) {
        std::promise<void> done;
        loop_.post([&] {
            work();
            done.set_value();
        });
        done.get_future().wait();
    }

    Reply ask_as(const std::string& peer, const std::string& method, const std::string& target,
                 const std::string& body = "") {
        http::Request request;
        request.method = method;
        request.target = target;
        request.body = body;
        request.peer = peer;
        return api_.serve(request);
    }
    http::Response ask(const std::string& method, const std::string& target, const std::string& body = "") {
        return ask_as("user:ann", method, target, body).response;
    }

    void add(const model::Node& node) {
        std::promise<protocol::Control::Answer> answer;
        loop_.post([&] {
            control_.ask(protocol::Control::AddNode{node}, [&](auto given) { answer.set_value(std::move(given)); });
        });
        answer.get_future().wait();
        report(node);
    }
    /// What the node's agent tells: all that it should have, and what `change` makes of it.
    void report(const model::Node& node, const std::function<void(model::NodeReport&)>& change = {}) {
        on_loop([&] {
            const model::Records& records = control_.view().records;
            model::NodeReport report;
            report.node = node.id;
            report.sequence = ++sequence_;
            report.revision = records.revision;
            report.pool_size = {20ULL << 30U};
            report.pool_free = {15ULL << 30U};
            for (const auto& [name, wanted] : records.configuration) {
                for (const model::Port& port : wanted.application.ports) {
                    const bool udp = port.protocol == model::Protocol::udp;
                    (udp ? report.open_udp_routes : report.open_routes).insert(port.external);
                }
                const auto ownership = records.ownerships.find(model::subject_of(wanted.application));
                if (ownership == records.ownerships.end() || ownership->second.owner != node.id) continue;
                report.containers.push_back(container(wanted, node));
                if (ownership->second.dataset) {
                    model::DatasetSeen dataset;
                    dataset.id = *ownership->second.dataset;
                    dataset.epoch = ownership->second.epoch;
                    dataset.live = true;
                    dataset.mounted = true;
                    dataset.used = {1ULL << 30U};
                    report.datasets.push_back(dataset);
                }
            }
            if (change) change(report);
            control_.reported(report, [](model::ReportReceipt) {});
        });
    }

    [[nodiscard]] Api& api() { return api_; }
    [[nodiscard]] MemoryStore& store() { return store_; }
    [[nodiscard]] MemoryEnrollment& enrollment() { return enrollment_; }

    /// What the nodes' logs say; replace it in a test.
    LogSource logs = [](const model::Node& from, const model::ApplicationName& application, std::uint32_t, bool,
                        const ports::Sink& sink) { return say(sink, application.value + " on " + from.name + "\n"); };

    /// What trees the nodes hold; replace it in a test.
    DigestSource digests = [](const model::Node&, const model::DatasetId&,
                              const model::SnapshotId& snapshot) -> Result<std::unique_ptr<ports::HeldTree>> {
        return fail(ErrorCode::not_found, "no snapshot " + to_text(snapshot));
    };

private:
    posix::EventLoop loop_;
    MemoryStore store_;
    MemoryEnrollment enrollment_;
    NoSessions sessions_;
    AnyImage images_;
    std::uint64_t sequence_{0};
    driver::ControlDriver control_;
    Api api_;
    std::thread thread_;
};

}  // namespace flocker::api::testing
