// SPDX-License-Identifier: Apache-2.0
#include "adapters/docker/docker_engine.hpp"

#include <utility>

#include "adapters/docker/containers.hpp"
#include "adapters/docker/event_watch.hpp"

namespace flocker::docker {

DockerEngine::DockerEngine(posix::WorkerThreads& workers, ports::Loop& loop, const Options& options)
    : workers_(workers),
      loop_(loop),
      containers_(std::make_shared<Containers>(options)),
      watchers_(std::make_shared<Watchers>()) {}

DockerEngine::~DockerEngine() {
    containers_->api().close();
}

void DockerEngine::observe(Done<ports::EngineSeen> done) {
    workers_.run<ports::EngineSeen>([containers = containers_] { return containers->observe(); }, std::move(done));
}

void DockerEngine::perform(const model::ContainerAction& action, Done<std::optional<model::ContainerSeen>> done) {
    workers_.run<std::optional<model::ContainerSeen>>(
        [containers = containers_, action] { return containers->perform(action); }, std::move(done));
}

void DockerEngine::pull(const std::string& image, Done<void> done) {
    workers_.run<void>([containers = containers_, image] { return containers->pull(image); }, std::move(done));
}

void DockerEngine::watch(std::function<void()> changed) {
    watchers_->push_back(std::move(changed));
    if (events_) return;
    const std::weak_ptr<Watchers> weak = watchers_;
    events_ = std::make_unique<EventWatch>(containers_->api(), [&loop = loop_, weak] {
        loop.post([weak] {
            // Gone: the engine was destroyed after this was posted.
            const auto watchers = weak.lock();
            if (!watchers) return;
            for (const auto& watcher : *watchers) watcher();
        });
    });
}

}  // namespace flocker::docker
