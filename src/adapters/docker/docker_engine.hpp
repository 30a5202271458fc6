// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "adapters/posix/worker_threads.hpp"
#include "ports/container_engine.hpp"
#include "ports/loop.hpp"

namespace flocker::docker {

class Containers;
class EventWatch;

struct Options {
    std::string socket_path{"/var/run/docker.sock"};
    /// Of our network on this node: "10.201.3.0/24". The first address is the bridge's own and no
    /// container's.
    std::string subnet{};
    /// Where the gates of containers are kept.
    std::string gates{};
    /// The installed gate program, flocker-gate.
    std::string gate_program{};
};

/// The Docker engine (20.10 or newer) of this node, over its Unix socket.
///
/// Containers are on a bridge network of ours at the addresses that their specifications name, and
/// publish no port. A volume is a bind mount with propagation rslave: its source must lie on a shared
/// mount. Readiness is asked for from the network namespace of the calling process.
///
/// The command of a container waits at a gate (apps/gate) until ReleaseContainer. A container that was stopped is
/// `exited` as soon as no process of it is left; its exit code is 0 until the engine, which cleans up first, tells it.
/// For both, the engine's processes must be visible in /proc; without that nothing is released.
///
/// Threads: as the port says. Work runs on `workers`; what is under way when this is destroyed ends
///          with unavailable, and soon.
/// Owns:    one thread that listens to the engine's events, from the first watch() on.
class DockerEngine final : public ports::ContainerEngine {
public:
    /// Both outlive this.
    DockerEngine(posix::WorkerThreads& workers, ports::Loop& loop, const Options& options);
    ~DockerEngine() override;
    DockerEngine(const DockerEngine&) = delete;
    DockerEngine& operator=(const DockerEngine&) = delete;

    void observe(Done<ports::EngineSeen> done) override;
    void perform(const model::ContainerAction& action, Done<std::optional<model::ContainerSeen>> done) override;
    void pull(const std::string& image, Done<void> done) override;
    void watch(std::function<void()> changed) override;

private:
    using Watchers = std::vector<std::function<void()>>;

    posix::WorkerThreads& workers_;
    ports::Loop& loop_;
    std::shared_ptr<Containers> containers_;  ///< Shared with the work under way.
    std::shared_ptr<Watchers> watchers_;      ///< Used on the loop thread only.
    std::unique_ptr<EventWatch> events_;
};

}  // namespace flocker::docker
