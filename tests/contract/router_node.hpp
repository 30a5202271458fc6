// SPDX-License-Identifier: Apache-2.0
//
// A node of router_network.hpp with its router, and what the tests ask of it.
#pragma once

#include <gtest/gtest.h>

#include <future>
#include <iostream>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "adapters/nftables/nft_router.hpp"
#include "adapters/posix/event_loop.hpp"
#include "tests/contract/router_network.hpp"

namespace flocker::router_contract {

using model::RouteEntry;
using model::RouteTable;
using model::RouteTarget;
using nftables::NftRouter;
using namespace std::chrono_literals;

inline const std::string address_a = "10.231.0.1";
inline const std::string address_b = "10.231.0.2";
inline const std::string address_out = "10.231.0.9";

inline const RouteTarget to_a1{"172.31.1.2", 6379, true};
inline const RouteTarget to_a2{"172.31.1.3", 6379, true};
inline const RouteTarget to_b1{"172.31.2.2", 6379, true};
inline RouteTarget to_node(const std::string& address, std::uint16_t port) {
    return {address, port, false};
}

inline RouteEntry open_to(const RouteTarget& target) {
    return {target, false};
}
inline RouteEntry held_at(const RouteTarget& target) {
    return {target, true};
}
inline RouteEntry leased_to(const RouteTarget& target) {
    return {target, false, true};
}
inline const RouteEntry held_nowhere{std::nullopt, true};
inline const RouteEntry closed{};

/// A router in a namespace, asked synchronously.
class Node {
public:
    explicit Node(std::string name_space, nftables::WaitingBounds bounds = {})
        : name_space_(std::move(name_space)), bounds_(bounds) {
        start();
        loop_thread_ = std::jthread([this] { loop_.run(); });
    }
    ~Node() {
        router_.reset();
        loop_.stop();
    }
    Node(const Node&) = delete;
    Node& operator=(const Node&) = delete;

    void start() {
        router_ = in_namespace(name_space_, [this] {
            auto opened = NftRouter::open(loop_, bounds_);
            if (!opened) throw std::runtime_error(opened.error().message);
            return std::move(*opened);
        });
        router_->watch([this](const std::string& found) {
            const std::lock_guard lock(mutex_);
            found_.push_back(found);
        });
    }
    void stop() { router_.reset(); }

    Status apply(const RouteTable& table) {
        return await([&](Done<void> done) { router_->apply(table, std::move(done)); });
    }
    /// Calls one right after the other, and what became of each.
    std::vector<Status> extend_lease(const std::vector<Duration>& durations) {
        std::vector<std::promise<Status>> promises(durations.size());
        for (std::size_t i = 0; i < durations.size(); ++i) {
            router_->extend_lease(loop_.now() + durations[i],
                                  [&promise = promises[i]](Status outcome) { promise.set_value(std::move(outcome)); });
        }
        std::vector<Status> outcomes;
        for (auto& promise : promises) outcomes.push_back(promise.get_future().get());
        return outcomes;
    }
    Status extend_lease(Duration duration) { return extend_lease(std::vector{duration}).front(); }
    Status ensure() {
        return await([&](Done<void> done) { router_->ensure(std::move(done)); });
    }
    Result<std::vector<model::TakenPort>> find_taken() {
        std::promise<Result<std::vector<model::TakenPort>>> promise;
        router_->find_taken([&](auto found) { promise.set_value(std::move(found)); });
        return promise.get_future().get();
    }
    /// Until it is told that strangers did something, in these words among others. What was told before is forgotten.
    bool finds(const std::string& words) {
        const auto end = Clock::now() + 10s;
        for (;;) {
            {
                const std::lock_guard lock(mutex_);
                for (const std::string& found : std::exchange(found_, {})) {
                    if (found.find(words) != std::string::npos) return true;
                    std::cout << "found: " << found << '\n';
                }
            }
            if (Clock::now() > end) return false;
            std::this_thread::sleep_for(1ms);
        }
    }
    NftRouter& router() { return *router_; }
    void await_waiting(std::uint64_t count) {
        const auto end = Clock::now() + 5s;
        while (router_->counters().waiting != count && Clock::now() < end) std::this_thread::sleep_for(1ms);
        ASSERT_EQ(router_->counters().waiting, count);
    }

private:
    template <class Ask>
    static Status await(Ask ask) {
        std::promise<Status> promise;
        ask([&](Status outcome) { promise.set_value(std::move(outcome)); });
        return promise.get_future().get();
    }

    std::string name_space_;
    nftables::WaitingBounds bounds_;
    std::mutex mutex_;
    std::vector<std::string> found_;
    posix::EventLoop loop_;
    std::jthread loop_thread_;
    std::unique_ptr<NftRouter> router_;
};

#define ASSERT_OK(expression)                                    \
    do {                                                         \
        const Status seen = (expression);                        \
        ASSERT_TRUE(seen) << (seen ? "" : seen.error().message); \
    } while (false)

}  // namespace flocker::router_contract
