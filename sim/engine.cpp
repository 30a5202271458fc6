// SPDX-License-Identifier: Apache-2.0
#include "sim/engine.hpp"

#include <algorithm>
#include <vector>

namespace flocker::sim {

using namespace model;
using SeenStatus = ContainerSeen::Status;

std::optional<ContainerSeen> EngineHost::see(const ApplicationName& name) const {
    const Container* container = find(name);
    if (!container) return std::nullopt;
    ContainerSeen seen;
    seen.application = name;
    seen.container = container->id;
    seen.fingerprint = fingerprint(container->spec);
    seen.status = container->status;
    seen.address = container->spec.address;
    seen.exit_code = container->exit_code;
    seen.started = container->started;
    seen.finished = container->finished;
    return seen;
}

ports::EngineSeen EngineHost::see_all() const {
    ports::EngineSeen seen;
    for (const auto& [name, container] : containers_) seen.containers.push_back(*see(name));
    seen.images = images;
    return seen;
}

const EngineHost::Container* EngineHost::find(const ApplicationName& name) const {
    const auto found = containers_.find(name);
    return found == containers_.end() ? nullptr : &found->second;
}

const EngineHost::Container* EngineHost::by_id(const std::string& id) const {
    for (const auto& [name, container] : containers_) {
        if (container.id == id) return &container;
    }
    return nullptr;
}

const EngineHost::Container* EngineHost::at_address(const std::string& address) const {
    for (const auto& [name, container] : containers_) {
        if (container.spec.address == address) return &container;
    }
    return nullptr;
}

bool EngineHost::listens(const ApplicationName& name) const {
    const Container* container = find(name);
    return container && container->status == SeenStatus::running && world_.now() >= container->listening;
}

bool EngineHost::uses(const SubvolumeRef& data) const {
    for (const auto& [name, container] : containers_) {
        if (container.status == SeenStatus::running && container.volume == data) return true;
    }
    return false;
}

Result<std::optional<ContainerSeen>> EngineHost::create(const ContainerSpec& spec) {
    const auto found = containers_.find(spec.application.name);
    if (found != containers_.end()) {
        const Container& before = found->second;
        const bool same = fingerprint(before.spec) == fingerprint(spec);
        if (has_process(before.status) && !same) return fail(ErrorCode::conflict, "it runs");
        if (has_process(before.status)) return see(spec.application.name);
        const bool fresh = before.status == SeenStatus::created && before.spec.address == spec.address;
        if (same && fresh) return see(spec.application.name);
    }
    if (!images.contains(spec.application.image)) return fail(ErrorCode::not_found, "no image " + spec.application.image);
    containers_.erase(spec.application.name);
    Container container;
    container.spec = spec;
    container.id = "c" + std::to_string(++last_id_);
    containers_.emplace(spec.application.name, container);
    tell();
    return see(spec.application.name);
}

Status EngineHost::start(const ApplicationName& name) {
    const auto found = containers_.find(name);
    if (found == containers_.end()) return fail(ErrorCode::not_found, "no container " + name.value);
    Container& container = found->second;
    if (has_process(container.status)) return {};
    container.stopping = false;
    container.started = clock();
    container.volume.reset();
    if (container.spec.application.gate) {
        container.status = SeenStatus::waiting;
    } else {
        begin(container);
    }
    tell();
    return {};
}

Status EngineHost::release(const ApplicationName& name) {
    const auto found = containers_.find(name);
    if (found == containers_.end()) return fail(ErrorCode::not_found, "no container " + name.value);
    Container& container = found->second;
    if (container.status == SeenStatus::running) return {};
    if (container.status != SeenStatus::waiting) return fail(ErrorCode::unavailable, "it does not wait at a gate");
    if (container.spec.application.volume) {
        const PoolDisk::Dataset* dataset = disk_.find(container.spec.application.volume->dataset);
        if (!dataset || !dataset->mounted) return fail(ErrorCode::conflict, "its volume is not mounted");
    }
    begin(container);
    tell();
    return {};
}

void EngineHost::begin(Container& container) {
    container.status = SeenStatus::running;
    container.listening = world_.now() + (container.spec.application.ports.empty() ? 1s : world_.between(20ms, 300ms));
    if (container.spec.application.volume) {
        const PoolDisk::Dataset* dataset = disk_.find(container.spec.application.volume->dataset);
        if (dataset) container.volume = dataset->mounted;
        // The first thing that a database does is to write.
        if (container.volume && !container.volume->read_only) container.volume->entries.push_back("start");
        written(container, "start", false);
    }
}

void EngineHost::exited(const ApplicationName& name, int code) {
    const auto found = containers_.find(name);
    if (found == containers_.end()) return;
    Container& container = found->second;
    if (!has_process(container.status)) return;
    if (container.volume && !container.volume->read_only && code == 0) {
        container.volume->entries.push_back("shutdown");
        written(container, "shutdown", false);
    }
    container.status = SeenStatus::exited;
    container.exit_code = code;
    container.finished = clock();
    container.volume.reset();
    tell();
}

bool EngineHost::append(const std::string& id, const std::string& entry) {
    for (auto& [name, container] : containers_) {
        if (container.id != id || container.status != SeenStatus::running || container.stopping) continue;
        if (container.spec.application.volume) {
            if (container.volume && container.volume->read_only) return false;
            if (container.volume) container.volume->entries.push_back(entry);
        }
        written(container, entry, true);
        return true;
    }
    return false;
}

void EngineHost::go_away() {
    away = true;
    std::vector<ApplicationName> all;
    for (const auto& [name, container] : containers_) all.push_back(name);
    for (const ApplicationName& name : all) exited(name, 137);
}

void EngineHost::come_back() {
    away = false;
    tell();
}

bool EngineHost::has_one_that_stays_down() const {
    return std::ranges::any_of(containers_, [](const auto& entry) {
        return entry.second.spec.application.restart_policy.name == RestartPolicy::Name::never;
    });
}

void EngineHost::remove_all() {
    containers_.clear();
    tell();
}

void EngineHost::power_loss() {
    ++boots;
    away = false;
    for (auto& [name, container] : containers_) {
        if (!has_process(container.status)) continue;
        container.status = SeenStatus::exited;
        container.exit_code = 255;
        container.finished = clock();
        container.volume.reset();
    }
}

EnginePort::EnginePort(World& world, ports::Loop& loop, Faults& faults, EngineHost& host)
    : world_(world), loop_(loop), faults_(faults), host_(host) {}

EnginePort::~EnginePort() { host_.changed = [] {}; }

void EnginePort::watch(std::function<void()> changed) {
    host_.changed = [this, changed] { loop_.after(world_.between(1ms, 30ms), changed); };
}

void EnginePort::observe(Done<ports::EngineSeen> done) {
    loop_.after(world_.between(2ms, 30ms), [this, done] {
        if (host_.away) return done(fail(ErrorCode::unavailable, "the engine does not answer"));
        done(host_.see_all());
    });
}

void EnginePort::pull(const std::string& image, Done<void> done) {
    loop_.after(200ms, [image, done] { done(fail(ErrorCode::unavailable, "no registry has " + image)); });
}

void EnginePort::later(Duration delay, std::function<Result<std::optional<ContainerSeen>>()> work, Outcome done) {
    const bool goes_on = world_.chance(0.5);
    // The engine's own work and the agent's hearing of it are two things.
    world_.at(delay, [&host = host_, &loop = loop_, boot = host_.boots, life = std::weak_ptr<int>(alive_), goes_on,
                      work = std::move(work), done = std::move(done)] {
        const bool lives = !life.expired();
        if (host.boots != boot || (!lives && !goes_on)) return;
        auto outcome = host.away ? fail(ErrorCode::unavailable, "the engine does not answer") : work();
        if (lives) loop.post([done, outcome = std::move(outcome)] { done(outcome); });
    });
}

void EnginePort::perform(const ContainerAction& action, Outcome done) {
    const ApplicationName name = application_of(action);
    if (!is_asking(action) && world_.chance(faults_.engine_fails)) {
        loop_.after(20ms, [done] { done(fail(ErrorCode::unavailable, "the engine does not answer")); });
        return;
    }
    std::visit(Overloaded{
                   [&](const CreateContainer& create) {
                       later(world_.between(20ms, 120ms), [&host = host_, create] { return host.create(create.spec); }, done);
                   },
                   [&](const StartContainer&) {
                       later(world_.between(50ms, 400ms),
                             [&host = host_, name]() -> Result<std::optional<ContainerSeen>> {
                                 FLOCKER_CHECK_OK(host.start(name));
                                 return host.see(name);
                             },
                             done);
                   },
                   [&](const ReleaseContainer&) {
                       later(world_.between(1ms, 15ms),
                             [&host = host_, name]() -> Result<std::optional<ContainerSeen>> {
                                 FLOCKER_CHECK_OK(host.release(name));
                                 return host.see(name);
                             },
                             done);
                   },
                   [&](const StopContainer& it) { stop(name, false, it.at_once, done); },
                   [&](const RemoveContainer&) { stop(name, true, false, done); },
                   [&](const AwaitReady& await_it) { await(await_it.application, world_.now(), done); },
                   [&](const RunHook&) { hook(name, done); },
               },
               action);
}

void EnginePort::stop(const ApplicationName& name, bool remove, bool at_once, Outcome done) {
    later(at_once ? world_.between(1ms, 20ms) : world_.between(20ms, world_.chance(0.1) ? 2s : 300ms),
          [&host = host_, name, remove, at_once]() -> Result<std::optional<ContainerSeen>> {
              host.exited(name, at_once ? 137 : 0);
              if (remove) host.remove(name);
              return host.see(name);
          },
          done);
}

void EnginePort::hook(const ApplicationName& name, Outcome done) {
    const bool works = !world_.chance(faults_.engine_fails);
    later(world_.between(5ms, world_.chance(0.1) ? 3s : 200ms),
          [&host = host_, name, works]() -> Result<std::optional<ContainerSeen>> {
              const auto* container = host.find(name);
              if (!container || container->status != SeenStatus::running) return fail(ErrorCode::unavailable, "it does not run");
              if (!works) return fail(ErrorCode::unavailable, "the hook ended with code 1");
              return host.see(name);
          },
          done);
}

void EnginePort::await(const Application& application, Instant since, Outcome done) {
    loop_.after(5ms, [this, application, since, done] {
        const auto* container = host_.find(application.name);
        if (!container) return done(fail(ErrorCode::not_found, "no container " + application.name.value));
        if (container->status == SeenStatus::created || container->status == SeenStatus::waiting) {
            return done(fail(ErrorCode::unavailable, "it is not started"));
        }
        if (container->status == SeenStatus::exited) {
            const std::string code = std::to_string(container->exit_code);
            return done(fail(ErrorCode::unavailable, "it exited with code " + code + " before it was ready"));
        }
        if (host_.listens(application.name)) {
            auto seen = host_.see(application.name);
            seen->ready = true;
            return done(std::move(seen));
        }
        if (world_.now() - since > 60s) return done(fail(ErrorCode::unavailable, "not ready in a minute"));
        await(application, since, done);
    });
}

}  // namespace flocker::sim
