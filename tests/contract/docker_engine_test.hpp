// SPDX-License-Identifier: Apache-2.0
//
// An engine of the tests' own with images made from busybox, and the Docker adapter on it.
#pragma once

#include <gtest/gtest.h>
#include <sys/mount.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "adapters/docker/api.hpp"
#include "adapters/docker/docker_engine.hpp"
#include "adapters/docker/docker_image_catalog.hpp"
#include "adapters/docker/docker_streams.hpp"
#include "adapters/posix/worker_threads.hpp"
#include "model/names.hpp"
#include "tests/contract/container_engine_contract.hpp"
#include "tests/contract/own_dockerd.hpp"
#include "tests/contract/pumped_loop.hpp"

namespace flocker::contract {
namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

inline constexpr const char* subnet = "10.201.0.0/24";
inline constexpr const char* busybox = "flkt-busybox:1";
/// Turns well when /tmp/well is there.
inline constexpr const char* checked_busybox = "flkt-checked:1";
/// Says all that an image can say.
inline constexpr const char* configured_busybox = "flkt-configured:1";
/// /busybox and nothing else.
inline constexpr const char* bare_image = "flkt-bare:1";

/// Bytes of a file, for import.
inline ports::Source file_source(const std::string& path) {
    return [file = std::make_shared<std::ifstream>(path, std::ios::binary)](
               std::span<std::byte> buffer) -> Result<std::size_t> {
        file->read(reinterpret_cast<char*>(buffer.data()), static_cast<std::streamsize>(buffer.size()));
        return static_cast<std::size_t>(file->gcount());
    };
}

inline ports::Sink text_sink(std::string& text) {
    return [&text](std::span<const std::byte> bytes) -> Status {
        text.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
        return {};
    };
}

inline std::unique_ptr<OwnDockerd> dockerd;

/// The engine for all tests of this process.
class EngineOfAll final : public ::testing::Environment {
public:
    void SetUp() override {
        // As flockerd does.
        std::signal(SIGPIPE, SIG_IGN);
        check(enter_own_namespaces());
        dockerd = std::make_unique<OwnDockerd>("docker");
        check(dockerd->start());
        const std::string archive = dockerd->folder() + "/busybox.tar";
        check(write_busybox_archive(archive));
        import(archive, busybox, "");
        import(archive, checked_busybox, "&changes=" + http::percent_encode("HEALTHCHECK CMD test -e /tmp/well"));
        std::string changes;
        for (const char* change :
             {R"(ENTRYPOINT ["sh","-c"])", R"(CMD ["sleep 1000 & wait","word with space"])", "USER 1000:1001", "WORKDIR /data",
              "ENV FLAVOUR=plain", "HEALTHCHECK --interval=1s CMD true"})
            changes += "&changes=" + http::percent_encode(change);
        import(archive, configured_busybox, changes);
        const std::string bare = dockerd->folder() + "/bare.tar";
        check(write_bare_archive(bare));
        import(bare, bare_image, "");
        // Where volumes are mounted; what is mounted below it later shows up in containers.
        const std::string volumes = dockerd->folder() + "/volumes";
        fs::create_directories(volumes);
        check(mounted(::mount(volumes.c_str(), volumes.c_str(), nullptr, MS_BIND, nullptr)));
        check(mounted(::mount("", volumes.c_str(), nullptr, MS_SHARED, nullptr)));
    }
    void TearDown() override { dockerd.reset(); }

private:
    static Status write_bare_archive(const std::string& path) {
        if (std::system(("cd /bin && tar --dereference -cf " + path + " busybox").c_str()) == 0) return {};
        return fail(ErrorCode::unavailable, "cannot write " + path);
    }
    static Status mounted(int result) {
        if (result == 0) return {};
        return fail(ErrorCode::unavailable, std::string("cannot mount: ") + std::strerror(errno));
    }
    static void check(const Status& status) {
        if (status) return;
        std::cerr << status.error() << "\n";
        dockerd.reset();
        std::exit(1);
    }
    static void import(const std::string& archive, const std::string& image, const std::string& changes) {
        docker::Api api(dockerd->socket_path());
        const std::string repository = image.substr(0, image.find(':'));
        const auto answer = api.call({.method = "POST",
                                      .path = "/images/create?fromSrc=-&repo=" + repository + "&tag=1" + changes,
                                      .source = file_source(archive)});
        check(answer ? Status{} : Status(tl::unexpected(answer.error())));
    }
};
inline model::ContainerSpec busybox_spec(const std::string& name, const std::string& script) {
    static int made = 0;
    model::ContainerSpec spec;
    spec.application.name.value = name;
    spec.application.image = busybox;
    spec.application.command = {{"sh", "-c", script}};
    spec.links_host = "10.0.0.1";
    spec.address = "10.201.0." + std::to_string(10 + made++ % 200);
    return spec;
}

/// The first process of a container ends on a signal only if it asks for it.
inline const std::string wait_for_term = "trap 'exit 0' TERM; sleep 1000 & wait $!";

/// The one that was built with this test.
inline std::string gate_program() {
    return fs::read_symlink("/proc/self/exe").parent_path() / "flocker-gate";
}

inline docker::Options options(const std::string& socket_path, const std::string& network) {
    return {.socket_path = socket_path,
            .subnet = network,
            .gates = dockerd->folder() + "/gate",
            .gate_program = gate_program()};
}

class DockerHarness final : public ContainerEngineHarness {
public:
    ~DockerHarness() override {
        docker::Api api(dockerd->socket_path());
        std::vector<std::string> names;
        bool seen = false;
        engine_->observe([&](Result<ports::EngineSeen> observed) {
            if (observed) {
                for (const auto& container : observed->containers) names.push_back(container.container);
            }
            seen = true;
        });
        run_until([&] { return seen; });
        for (const std::string& name : names)
            EXPECT_TRUE(api.call({.method = "DELETE", .path = "/containers/" + name + "?v=1&force=1"}));
    }

    ports::ContainerEngine& engine() override { return *engine_; }
    bool run_until(const std::function<bool()>& condition) override { return loop_.run_until(condition, 90s); }
    model::ContainerSpec server_spec(const std::string& name) override {
        model::ContainerSpec spec = busybox_spec(name, "trap 'exit 0' TERM; httpd -p 80; sleep 1000 & wait $!");
        spec.application.ports = {{80, 8080}};
        return spec;
    }
    model::ContainerSpec failing_spec(const std::string& name) override {
        model::ContainerSpec spec =
            busybox_spec(name, "echo first; usleep 100000; echo last words >&2; usleep 100000; exit 3");
        spec.application.ports = {{80, 8080}};
        return spec;
    }

    PumpedLoop& loop() { return loop_; }
    posix::WorkerThreads& workers() { return workers_; }
    void destroy_engine() { engine_.reset(); }
    void make_engine() {
        engine_ = std::make_unique<docker::DockerEngine>(
            workers_, loop_, options(dockerd->socket_path(), subnet));
    }

    DockerHarness() { make_engine(); }

private:
    PumpedLoop loop_;
    posix::WorkerThreads workers_{loop_};
    std::unique_ptr<docker::DockerEngine> engine_;
};

class DockerEngine : public ContainerEngineContract<DockerHarness> {
protected:
    /// All that it says until it ends.
    std::string output(const model::ContainerSpec& spec) {
        run(spec);
        std::string text;
        EXPECT_TRUE(streams_.logs(spec.application.name, 1000, true, text_sink(text)));
        return text;
    }
    /// A container that was not made by the adapter. `config` is inserted into what is asked of docker.
    void create_stranger(const std::string& name, const std::string& config) {
        const auto created = api_.call({.method = "POST",
                                        .path = "/containers/create?name=" + name,
                                        .body = "{\"Image\":\"" + std::string(busybox) + "\"," + config + "}"});
        ASSERT_TRUE(created) << created.error();
    }
    static std::string our_label(const std::string& application) {
        return R"("Labels":{"io.flocker.application":")" + application + R"(","io.flocker.fingerprint":"f"})";
    }
    /// As the engine has it when it has noticed the end.
    int exit_code(const model::ApplicationName& application) {
        const std::string name = model::names::container(application);
        EXPECT_TRUE(api_.call({.method = "POST", .path = "/containers/" + name + "/wait?condition=not-running"}));
        for (const auto& container : observe().containers) {
            if (container.application == application) return container.exit_code;
        }
        return -1;
    }
    void remove_stranger(const std::string& name) {
        EXPECT_TRUE(api_.call({.method = "DELETE", .path = "/containers/" + name + "?v=1&force=1"}));
    }

    docker::Api api_{dockerd->socket_path()};
    docker::DockerStreams streams_{dockerd->socket_path()};
};

}  // namespace flocker::contract
