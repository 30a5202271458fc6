// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "ports/container_engine.hpp"
#include "sim/pool.hpp"
#include "sim/world.hpp"

namespace flocker::sim {

/// The engine and the containers of one node. Outlives the agent; ends with the node. Each
/// application is a ledger: it appends what a client says to its volume, then acknowledges.
class EngineHost {
public:
    EngineHost(World& world, PoolDisk& disk) : world_(world), disk_(disk) {
        disk_.in_use = [this](const SubvolumeRef& data) { return uses(data); };
    }

    struct Container {
        model::ContainerSpec spec;
        std::string id;
        model::ContainerSeen::Status status{model::ContainerSeen::Status::created};
        int exit_code{0};
        Instant started, finished, listening;
        SubvolumeRef volume;         ///< What was mounted when its command began; nullptr: an empty folder.
        bool stopping{false};
    };

    [[nodiscard]] std::optional<model::ContainerSeen> see(const model::ApplicationName& name) const;
    [[nodiscard]] ports::EngineSeen see_all() const;
    [[nodiscard]] bool listens(const model::ApplicationName& name) const;
    [[nodiscard]] const Container* find(const model::ApplicationName& name) const;
    [[nodiscard]] const Container* by_id(const std::string& id) const;
    [[nodiscard]] const Container* at_address(const std::string& address) const;

    Result<std::optional<model::ContainerSeen>> create(const model::ContainerSpec& spec);
    Status start(const model::ApplicationName& name);
    Status release(const model::ApplicationName& name);
    /// The last thing that the application does is to write to its volume, as databases do.
    void exited(const model::ApplicationName& name, int code);
    void remove(const model::ApplicationName& name) { containers_.erase(name); tell(); }
    /// A client's entry; false: nobody took it.
    bool append(const std::string& container, const std::string& entry);
    void power_loss();
    /// With it every container ends. It does not answer until it is back.
    void go_away();
    void come_back();
    void remove_all();
    [[nodiscard]] bool has_one_that_stays_down() const;

    bool away{false};
    std::uint64_t boots{0};
    std::function<Instant()> clock = [this] { return world_.now(); };  ///< The machine's.
    std::set<std::string> images;
    /// Called at every write of an application: (container, entry, by a client).
    std::function<void(const Container&, const std::string&, bool)> written = [](const Container&, const std::string&, bool) {};
    std::function<void()> changed = [] {};

private:
    [[nodiscard]] bool uses(const SubvolumeRef& data) const;
    void begin(Container& container);
    void tell() { changed(); }

    World& world_;
    PoolDisk& disk_;
    std::map<model::ApplicationName, Container> containers_;
    std::uint64_t last_id_{0};
};

/// The port for one life of an agent. What was asked of the engine goes on when the agent dies.
class EnginePort final : public ports::ContainerEngine {
public:
    EnginePort(World& world, ports::Loop& loop, Faults& faults, EngineHost& host);
    ~EnginePort() override;
    EnginePort(const EnginePort&) = delete;
    EnginePort& operator=(const EnginePort&) = delete;
    void observe(Done<ports::EngineSeen> done) override;
    void perform(const model::ContainerAction& action, Done<std::optional<model::ContainerSeen>> done) override;
    void pull(const std::string& image, Done<void> done) override;
    void watch(std::function<void()> changed) override;

private:
    using Outcome = Done<std::optional<model::ContainerSeen>>;
    void stop(const model::ApplicationName& name, bool remove, bool at_once, Outcome done);
    void hook(const model::ApplicationName& name, Outcome done);
    void await(const model::Application& application, Instant since, Outcome done);
    /// Runs in the engine, whether or not the agent still lives; `done` only if it does.
    void later(Duration delay, std::function<Result<std::optional<model::ContainerSeen>>()> work, Outcome done);

    World& world_;
    ports::Loop& loop_;
    Faults& faults_;
    EngineHost& host_;
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

}  // namespace flocker::sim
