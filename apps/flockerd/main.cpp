// SPDX-License-Identifier: Apache-2.0
//
// flockerd --config FILE [--log-level LEVEL] [--log-json]
#include <fmt/format.h>

#include <atomic>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>

#include "adapters/posix/event_loop.hpp"
#include "adapters/posix/files.hpp"
#include "adapters/posix/log.hpp"
#include "adapters/posix/sd_notify.hpp"
#include "adapters/posix/signals.hpp"
#include "agent_wiring.hpp"
#include "api/version.hpp"
#include "control_wiring.hpp"
#include "manifest/daemon_config.hpp"
#include "setup/layout.hpp"
#include "setup/pool.hpp"
#include "setup/renewal.hpp"
#include "signpost_wiring.hpp"
#include "standby/beginning.hpp"
#include "standby/follower.hpp"
#include "standby/place.hpp"

namespace {

using namespace flocker;

constexpr const char* help =
    "flockerd --config FILE [--log-level debug|info|warning|error] [--log-json]\n"
    "\n"
    "The Flocker daemon: the agent of this node and, on the first node, the control service.\n"
    "Runs in the foreground; SIGTERM ends it. Containers, routes and mounts stay as they are.\n"
    "\n"
    "  --config FILE      default: /etc/flocker/flocker.yml, which `flocker init` and `flocker join` write\n"
    "  --log-level LEVEL  what counts less is not written; default: info\n"
    "  --log-json         one JSON object a line\n"
    "  --version          prints it and ends\n";

struct Arguments {
    std::string config{"/etc/flocker/flocker.yml"};
    posix::Level level{posix::Level::info};
    bool json{false};
};

/// The exit code if there is nothing to run.
std::optional<int> parse(int argc, char** argv, Arguments& arguments) {
    for (int i = 1; i < argc; ++i) {
        const std::string word = argv[i];
        if (word == "--help" || word == "-h") {
            fmt::print("{}", help);
            return 0;
        }
        if (word == "--version") {
            fmt::print("flockerd {}\n", api::version());
            return 0;
        }
        const auto level = word == "--log-level" && i + 1 < argc ? posix::parse_level(argv[i + 1]) : std::nullopt;
        if (word == "--config" && i + 1 < argc) {
            arguments.config = argv[++i];
        } else if (level) {
            arguments.level = *level;
            ++i;
        } else if (word == "--log-json") {
            arguments.json = true;
        } else {
            fmt::print(stderr, "flockerd: unknown argument: {}\n\n{}", word, help);
            return 2;
        }
    }
    return std::nullopt;
}

std::optional<manifest::DaemonConfig> read_config(const std::string& path) {
    const auto text = posix::read_file(path, std::size_t{1} << 20U);
    if (!text) {
        fmt::print(stderr, "flockerd: {}; `flocker init` or `flocker join` makes this machine a node\n", text.error().message);
        return std::nullopt;
    }
    auto parsed = manifest::parse_daemon_config({path, *text});
    if (auto* config = std::get_if<manifest::DaemonConfig>(&parsed)) return std::move(*config);
    for (const auto& problem : std::get<std::vector<manifest::Diagnostic>>(parsed)) {
        fmt::print(stderr, "{}\n", manifest::to_text(problem));
    }
    return std::nullopt;
}

Result<tls::TlsContext> node_identity(const setup::ConfigFolder& files) {
    constexpr std::size_t file_max = std::size_t{1} << 20U;
    tls::Credentials credentials;
    FLOCKER_TRY(credentials.authority, posix::read_file(files.authority(), file_max));
    FLOCKER_TRY(credentials.certificate, posix::read_file(files.certificate("node"), file_max));
    FLOCKER_TRY(credentials.key, posix::read_file(files.key("node"), file_max));
    return tls::TlsContext::make(credentials);
}

setup::Certify certify_by_control(const manifest::DaemonConfig& config, const tls::TlsContext& identity) {
    constexpr Duration connect_limit = std::chrono::seconds{5};
    const auto dial = [address = config.control.address, port = config.control.agent_port,
                       connector = identity.connector(tls::peer_is("control"))] {
        return connector(address, port, connect_limit);
    };
    return setup::certify_by_control(dial, fmt::format("{}:{}", config.control.address, config.control.agent_port),
                                     config.node.id.value);
}

/// The configuration with the control service where it is by now.
Result<manifest::DaemonConfig> with_control_place(manifest::DaemonConfig config, const tls::TlsContext& identity,
                                                  model::ControlPlace& place) {
    FLOCKER_TRY(const standby::Beginning beginning, standby::begin(config, identity));
    place = beginning.place;
    if (!beginning.set_aside.empty()) {
        posix::log(posix::Level::warning, "stepped_down",
                   {{"control", place.address}, {"own_records", beginning.set_aside}, {"term", std::to_string(place.term)}});
    }
    config.control = {place.address, place.port, place.agent_port, standby::is_here(config, place)};
    return config;
}

/// True: the control service has moved, and all is to begin anew.
Result<bool> run(const manifest::DaemonConfig& written, const std::string& folder) {
    posix::EventLoop loop;
    std::atomic<bool> ended{false};
    const posix::Signals signals(loop, [&](int) {
        ended = true;
        loop.stop();
    });
    FLOCKER_CHECK_OK(setup::mount_pool_in_file({written.state}));
    FLOCKER_TRY(const auto identity, node_identity({folder}));
    model::ControlPlace place;
    FLOCKER_TRY(const manifest::DaemonConfig config, with_control_place(written, identity, place));
    const standby::Watching watching{
        config, place, identity, [&loop] { loop.stop(); },
        [](const std::string& text) { posix::log(posix::Level::info, "standby", {{"says", text}}); }};
    std::unique_ptr<ControlWiring> control;
    std::unique_ptr<SignpostWiring> signpost;
    if (config.control.serve) {
        FLOCKER_TRY(control, ControlWiring::open(watching, folder, loop));
        control->start();
    } else {
        FLOCKER_TRY(signpost, SignpostWiring::open(watching));
    }
    FLOCKER_TRY(const auto agent, AgentWiring::open(config, identity, loop));
    agent->start();
    const setup::Renewal renewal({{folder}, "node", identity}, certify_by_control(config, identity), setup::wall_clock,
                                 [](const std::string& text) {
                                     posix::log(posix::Level::info, "certificate", {{"says", text}});
                                 });
    posix::log(posix::Level::info, "ready", {{"node", config.node.name}, {"control", config.control.serve}});
    static_cast<void>(posix::notify_systemd("READY=1"));
    posix::keep_watchdog(loop);
    loop.run();
    posix::log(posix::Level::info, ended ? "stopping" : "control_moved");
    if (ended) static_cast<void>(posix::notify_systemd("STOPPING=1"));
    if (control) control->stop();
    if (signpost) signpost->stop();
    agent->stop();
    return !ended;
}

Status run_until_ended(const manifest::DaemonConfig& config, const std::string& folder) {
    for (;;) {
        FLOCKER_TRY(const bool again, run(config, folder));
        if (!again) return {};
    }
}

}  // namespace

int main(int argc, char** argv) {
    Arguments arguments;
    if (const auto code = parse(argc, argv, arguments)) return *code;
    const auto config = read_config(arguments.config);
    if (!config) return 2;
    posix::configure_log(arguments.json ? posix::LogStyle::json : posix::style_of_stderr(), arguments.level);
    const auto slash = arguments.config.rfind('/');
    const std::string folder = slash == std::string::npos ? "." : arguments.config.substr(0, slash);
    const Status outcome = run_until_ended(*config, folder);
    if (outcome) return 0;
    posix::log(posix::Level::error, "ended", {{"error", outcome.error()}});
    return 1;
}
