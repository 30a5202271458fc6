// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "model/ids.hpp"
#include "ports/loop.hpp"

namespace flocker::sim {

/// Everything that happens in a simulated cluster happens in one queue, in an order that the seed
/// draws. Equal seeds give equal runs: the trace's digest proves it.
class World {
public:
    explicit World(std::uint64_t seed) : random_(seed) {}
    World(const World&) = delete;
    World& operator=(const World&) = delete;

    [[nodiscard]] Instant now() const { return now_; }
    void at(Duration delay, std::function<void()> work);
    /// Runs until the time is reached or nothing is left.
    void run_until(Instant end);

    [[nodiscard]] std::uint64_t draw(std::uint64_t below) { return below == 0 ? 0 : random_() % below; }
    [[nodiscard]] bool chance(double probability) { return static_cast<double>(random_() % 1'000'000) < probability * 1e6; }
    [[nodiscard]] Duration between(Duration low, Duration high) {
        return low + Duration{static_cast<std::int64_t>(draw(static_cast<std::uint64_t>((high - low).count()) + 1))};
    }

    void trace(const std::string& who, const std::string& line);
    [[nodiscard]] std::uint64_t digest() const { return digest_; }
    [[nodiscard]] const std::vector<std::string>& story() const { return story_; }
    void keep_story() { keep_story_ = true; }

    /// A broken promise ends the run; the first one is kept.
    void violated(const std::string& promise, const std::string& how);
    [[nodiscard]] const std::string& violation() const { return violation_; }

private:
    struct Entry {
        std::function<void()> work;
    };
    Instant now_{1'000'000'000'000'000};
    std::mt19937_64 random_;
    std::map<std::pair<std::int64_t, std::uint64_t>, Entry> queue_;
    std::uint64_t order_{0};
    std::uint64_t digest_{1469598103934665603ULL};
    bool keep_story_{false};
    std::vector<std::string> story_;
    std::string violation_;
};

/// The clock of one machine: off by some time, and faster or slower than the others.
struct Clock {
    Duration skew{};
    std::int64_t drift_ppm{0};

    [[nodiscard]] Instant at(Instant truth) const { return truth + skew + Duration{truth.unix_ns / 1'000'000 * drift_ppm}; }
    /// How long this clock's `delay` is in truth.
    [[nodiscard]] Duration truly(Duration delay) const { return delay - Duration{delay.count() / 1'000'000 * drift_ppm}; }
};

/// The loop of one process; when the process dies, what it had posted dies with it. While it is frozen
/// nothing of it happens; then all of it at once.
class ProcessLoop final : public ports::Loop {
public:
    explicit ProcessLoop(World& world, Clock clock = {}) : world_(world), clock_(clock) {}
    [[nodiscard]] Instant now() const override { return clock_.at(world_.now()); }
    void post(std::function<void()> work) override { after(Duration{0}, std::move(work)); }
    void after(Duration delay, std::function<void()> work) override {
        world_.at(clock_.truly(delay), [this, alive = std::weak_ptr<int>(alive_), work = std::move(work)]() mutable {
            if (!alive.expired()) run(std::move(work));
        });
    }
    void freeze(Duration duration) { thaw_ = world_.now() + duration; }

private:
    void run(std::function<void()> work) {
        if (world_.now() >= thaw_) return work();
        world_.at(thaw_ - world_.now(), [this, alive = std::weak_ptr<int>(alive_), work = std::move(work)]() mutable {
            if (!alive.expired()) run(std::move(work));
        });
    }

    World& world_;
    Clock clock_;
    Instant thaw_;
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

/// What may go wrong, and how often. Drawn from the seed (swarm testing): one run has many lost
/// receipts, another a full disk.
struct Faults {
    double message_lost{0};
    double message_late{0};      ///< Up to `lateness`.
    double message_repeated{0};
    double receipt_lost{0};      ///< The effect happened, the caller learns "unknown".
    double disk_full{0};         ///< A pool's action fails.
    double engine_fails{0};
    double commit_fails{0};
    double commit_unknown{0};    ///< Written, but the control service is told it is not known.
    double process_dies{0};      ///< Chance per second of virtual time, for each process.
    double node_dies{0};         ///< The same for whole nodes: power loss.
    double link_cut{0};
    double pool_short{0};        ///< Chance per second that strangers fill a node's pool for a while.
    double process_freezes{0};   ///< Chance per second that an agent stands still for some seconds.
    double stranger_acts{0};     ///< Chance per second that somebody else interferes at a node.
    double copy_long{0};         ///< Of a full copy: it takes up to `copy_takes`, and part of it is kept when it is cut.
    Duration lateness{2s};
    Duration copy_takes{40s};
};

/// Who can talk to whom, and how well. The control service is "control".
class Network {
public:
    Network(World& world, Faults& faults) : world_(world), faults_(faults) {}
    /// Runs `deliver` at the other end, perhaps late, perhaps twice, perhaps never.
    void send(const std::string& from, const std::string& to, std::function<void()> deliver);
    [[nodiscard]] bool connected(const std::string& a, const std::string& b) const { return !cut_.contains(std::minmax(a, b)); }
    void cut(const std::string& a, const std::string& b) { cut_.insert(std::minmax(a, b)); }
    void heal() { cut_.clear(); }
    void heal(const std::string& a, const std::string& b) { cut_.erase(std::minmax(a, b)); }
    [[nodiscard]] Duration latency() { return world_.between(Duration{200'000}, 3ms); }

private:
    World& world_;
    Faults& faults_;
    std::set<std::pair<std::string, std::string>> cut_;
};

}  // namespace flocker::sim
