// SPDX-License-Identifier: Apache-2.0
#include "setup/commands.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "adapters/http/client.hpp"
#include "adapters/tls/tls_stream.hpp"
#include "adapters/tls/token.hpp"
#include "api/client.hpp"
#include "setup/node_setup.hpp"
#include "setup/service_unit.hpp"
#include "usage/read_shape.hpp"

namespace flocker::setup {
namespace {

constexpr int failed = 1;
constexpr int usage = 2;

/// What `init` and `join` ask alike.
struct NodeArguments {
    NodeOptions node;
    std::vector<std::string> labels;
    std::string pool_size;
    bool no_start{false};

    void add_to(CLI::App& app) {
        app.add_option("--name", node.name, "What people call this node (default: the hostname)");
        app.add_option("--address", node.address, "IPv4 address at which other nodes and clients reach it");
        app.add_option("--datacenter", node.datacenter, "The data center it stands in");
        app.add_option("--label", labels, "key=value, any number of times");
        app.add_option("--pool", node.pool, "A mounted btrfs for the volumes (default: one in a file)")->type_name("FOLDER");
        app.add_option("--pool-size", pool_size, "Of the pool in a file: 20G (default: half of the free disk)");
        app.add_option("--config-dir", node.config.path, "Configuration and keys")->type_name("FOLDER")->capture_default_str();
        app.add_option("--state-dir", node.state.path, "State")->type_name("FOLDER")->capture_default_str();
        app.add_option("--volumes-dir", node.volumes, "Where volumes are mounted")->type_name("FOLDER")->capture_default_str();
        app.add_option("--engine", node.engine, "Docker's socket")->capture_default_str();
        app.add_option("--subnet", node.subnet, "Addresses of the containers on this node")->capture_default_str();
        app.add_option("--data-port", node.data_port, "Where other agents send snapshots")->capture_default_str();
        app.add_flag("--no-start", no_start, "Do not start flockerd");
    }

    /// Empty: all is well, and what was left out is filled in.
    std::vector<std::string> check() {
        std::vector<std::string> problems;
        for (const std::string& label : labels) {
            const auto sign = label.find('=');
            if (sign == std::string::npos || sign == 0) {
                problems.push_back(fmt::format("--label {}: must be key=value", label));
            } else {
                node.labels[label.substr(0, sign)] = label.substr(sign + 1);
            }
        }
        if (!pool_size.empty()) {
            try {
                std::uint64_t bytes = 0;
                std::string text = pool_size;
                if (!CLI::AsSizeValue(false)(text).empty() || !CLI::detail::lexical_cast(text, bytes)) {
                    throw CLI::Error("size", text);
                }
                node.pool_size = Bytes{bytes};
            } catch (const CLI::Error&) {
                problems.push_back(fmt::format("--pool-size {}: must be a size like 20G", pool_size));
            }
        }
        for (std::string& problem : complete(node)) problems.push_back(std::move(problem));
        return problems;
    }
};

int refuse(const char* command, const std::vector<std::string>& problems) {
    for (const std::string& problem : problems) fmt::print(stderr, "flocker {}: {}\n", command, problem);
    return usage;
}

/// CLI11 reads its vector from the back.
template <class Body>
int parsed(CLI::App& app, const std::vector<std::string>& arguments, Body body) {
    try {
        app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : usage;
    }
    return body();
}

std::string daemon_program() {
    std::error_code error;
    const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
    return error ? "flockerd" : (self.parent_path() / "flockerd").string();
}

/// Starts flockerd, or says how to. The sentence for people.
std::string start(const NodeArguments& arguments) {
    const std::string by_hand = fmt::format("{} --config {}", daemon_program(), arguments.node.config.daemon());
    if (arguments.no_start || !systemd_runs()) return "Start it with: " + by_hand;
    const Status started = install_service(daemon_program(), arguments.node.config);
    return started ? "flockerd runs (systemctl status flockerd)." :
                     fmt::format("systemd did not start it: {}\nStart it with: {}", started.error().message, by_hand);
}

Result<ports::JoinAnswer> ask_cluster(const tls::JoinToken& token, const std::string& address,
                                      const ports::JoinRequest& request) {
    FLOCKER_TRY(const auto context, tls::TlsContext::pinned(token.authority_fingerprint));
    const std::uint16_t port = token.control.front().port;
    constexpr Duration connect_limit = std::chrono::seconds{10};
    http::HttpClient http([&] { return context.connect(address, port, connect_limit, tls::peer_is("control")); },
                          fmt::format("{}:{}", address, port));
    const api::Client client([&](const api::Call& call) { return http.exchange(call.request); });
    FLOCKER_TRY(const auto joined, client.join({request.token, request.request, request.node}));
    return ports::JoinAnswer{joined.node, joined.certificate, joined.authority};
}

struct InitCommand {
    InitCommand() {
        common.add_to(app);
        app.add_option("--cluster", cluster, "The cluster's name, in its CA")->capture_default_str();
        app.add_option("--port", common.node.port, "Of the REST API")->capture_default_str();
        app.add_option("--agent-port", common.node.agent_port, "Where agents come to")->capture_default_str();
        app.add_flag("--json", json, "Answer with one JSON object");
    }

    CLI::App app{"Makes this machine the first node of a new cluster: the cluster's CA, this node's identity, its pool and\n"
                 "configuration. Prints the command by which other machines join.\n\n"
                 "  flocker init\n"
                 "  flocker init --name alder --address 10.0.0.1 --datacenter fra --pool /srv/btrfs",
                 "flocker init"};
    NodeArguments common;
    std::string cluster = "flocker";
    bool json = false;
};

struct JoinCommand {
    JoinCommand() {
        common.add_to(app);
        app.add_option("ADDRESS", address, "Of the control service; its port is in the token")->required();
        app.add_option("--token", token, "From `flocker init` or `flocker token create`")->required();
        app.add_option("--agent-port", common.node.agent_port, "Where agents come to")->capture_default_str();
    }

    CLI::App app{"Makes this machine a node of an existing cluster.\n\n"
                 "  flocker join 10.0.0.1 --token FLKT-1-...",
                 "flocker join"};
    NodeArguments common;
    std::string address, token;
};

}  // namespace

usage::CommandShape init_shape() { return usage::shape_of(InitCommand().app); }
usage::CommandShape join_shape() { return usage::shape_of(JoinCommand().app); }

int run_init(const std::vector<std::string>& arguments) {
    InitCommand command;
    NodeArguments& common = command.common;
    const std::string& cluster = command.cluster;
    return parsed(command.app, arguments, [&] {
        if (const auto problems = common.check(); !problems.empty()) return refuse("init", problems);
        constexpr Duration token_lifetime = std::chrono::hours{1};
        const auto done = initialise(common.node, cluster, token_lifetime);
        if (!done) {
            fmt::print(stderr, "flocker init: {}\n", done.error().message);
            return failed;
        }
        const std::string how = start(common);
        if (command.json) {
            fmt::print("{{\"control\": \"{}\", \"join_token\": \"{}\", \"context\": \"{}\"}}\n", done->control, done->join_token,
                       common.node.config.context());
            return 0;
        }
        fmt::print("{} is the first node of cluster {}.\n{}\n\nOn each other machine, within an hour and once for this token:\n\n"
                   "    flocker join {} --token {}\n\nMore tokens: flocker token create\n",
                   common.node.name, cluster, how, common.node.address, done->join_token);
        return 0;
    });
}

int run_join(const std::vector<std::string>& arguments) {
    JoinCommand command;
    NodeArguments& common = command.common;
    return parsed(command.app, arguments, [&] {
        auto problems = common.check();
        // `flocker token create` prints it with the port of the API.
        const std::string address = command.address.substr(0, command.address.find(':'));
        const auto token = tls::parse_token(command.token);
        if (!token) problems.push_back(token.error().message);
        if (!problems.empty()) return refuse("join", problems);
        const Status joined = join(common.node, address, common.node.agent_port, command.token,
                                   [&](const ports::JoinRequest& request) { return ask_cluster(*token, address, request); });
        if (!joined) {
            fmt::print(stderr, "flocker join: {}\n", joined.error().message);
            return failed;
        }
        fmt::print("{} is a node now.\n{}\n", common.node.name, start(common));
        return 0;
    });
}

}  // namespace flocker::setup
