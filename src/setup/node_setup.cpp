// SPDX-License-Identifier: Apache-2.0
#include "setup/node_setup.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>

#include "adapters/posix/fd.hpp"
#include "adapters/posix/files.hpp"
#include "adapters/sqlite/token_store.hpp"
#include "adapters/tls/authority.hpp"
#include "adapters/tls/private_file.hpp"
#include "codec/json.hpp"
#include "manifest/daemon_config.hpp"
#include "setup/enrollment.hpp"
#include "setup/pool.hpp"

namespace flocker::setup {
namespace {

constexpr Bytes pool_min{std::uint64_t{256} << 20U};

Instant wall_clock() {
    return {std::chrono::duration_cast<Duration>(std::chrono::system_clock::now().time_since_epoch()).count()};
}

std::string hostname() {
    std::array<char, 256> name{};
    ::gethostname(name.data(), name.size() - 1);
    return name.data();
}

/// The address from which this machine would speak to the outside. Nothing is sent.
std::string outward_address() {
    const posix::Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_in far{};
    far.sin_family = AF_INET;
    far.sin_port = htons(9);
    ::inet_pton(AF_INET, "192.0.2.1", &far.sin_addr);
    sockaddr_in near{};
    socklen_t size = sizeof near;
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&far), sizeof far) != 0) return {};
    if (::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&near), &size) != 0) return {};
    std::array<char, INET_ADDRSTRLEN> text{};
    return ::inet_ntop(AF_INET, &near.sin_addr, text.data(), text.size());
}

bool is_label(const std::string& name) {
    const auto fits = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
    return !name.empty() && name.size() <= 63 && std::ranges::all_of(name, fits) && name.front() != '-' && name.back() != '-';
}

bool is_ipv4(const std::string& address) {
    in_addr parsed{};
    return ::inet_pton(AF_INET, address.c_str(), &parsed) == 1;
}

Status make_folder(const std::string& path, mode_t mode) {
    std::error_code error;
    std::filesystem::create_directories(path, error);
    if (error) return fail(ErrorCode::unavailable, path + " can't be made: " + error.message());
    if (::chmod(path.c_str(), mode) != 0) return fail(ErrorCode::unavailable, path + ": " + std::strerror(errno));
    return {};
}

Status make_place(const NodeOptions& options) {
    FLOCKER_CHECK_OK(make_folder(options.config.path, 0755));
    FLOCKER_CHECK_OK(make_folder(options.state.path, 0700));
    FLOCKER_CHECK_OK(make_folder(options.volumes, 0711));
    if (!options.pool.empty()) return {};
    Bytes size;
    if (options.pool_size) {
        size = *options.pool_size;
    } else {
        FLOCKER_TRY(size, default_pool_size(options.state));
    }
    return make_pool_in_file(options.state, size);
}

model::Node introduction(const NodeOptions& options, const std::string& id) {
    model::Node node;
    node.id = model::NodeId{id};
    node.name = options.name;
    node.hostname = hostname();
    node.address = options.address;
    node.data_port = options.data_port;
    node.datacenter = options.datacenter;
    node.labels = options.labels;
    return node;
}

Status write_public(const std::string& path, const std::string& text) {
    return posix::write_file_atomically(path, text, 0644);
}

struct Control {
    std::string address;
    std::uint16_t port;
    std::uint16_t agent_port;
    bool serve;
};

/// Last, since flockerd.yml is what makes a machine a node.
Status write_node(const NodeOptions& options, const model::Node& node, const Control& control) {
    FLOCKER_CHECK_OK(posix::write_file_atomically(options.state.node(), codec::encode(node), 0600));
    manifest::DaemonConfig config;
    config.node = {node.id, node.name, node.address};
    config.control = {control.address, control.port, control.agent_port, control.serve};
    config.data_port = options.data_port;
    config.pool = options.pool.empty() ? options.state.pool() : options.pool;
    config.volumes = options.volumes;
    config.state = options.state.path;
    config.engine = options.engine;
    config.subnet = options.subnet;
    return write_public(options.config.daemon(), manifest::to_yaml(config));
}

Status issue(const ConfigFolder& config, const tls::Authority& authority, const std::string& file, const tls::Terms& terms) {
    FLOCKER_TRY(const auto made, tls::make_key_and_request(terms.common_name));
    FLOCKER_TRY(const auto certificate, tls::sign(authority, made.request, terms, wall_clock()));
    FLOCKER_CHECK_OK(tls::write_private(config.key(file), made.key));
    return write_public(config.certificate(file), certificate);
}

bool exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

Status refuse_if_node(const NodeOptions& options) {
    if (!exists(options.config.daemon())) return {};
    return fail(ErrorCode::already_exists,
                fmt::format("this machine is a node already: {} is there; for a second node on one machine give "
                            "--config-dir, --state-dir, --volumes-dir and --engine", options.config.daemon()));
}

}  // namespace

std::vector<std::string> complete(NodeOptions& options) {
    std::vector<std::string> problems;
    if (::geteuid() != 0) problems.emplace_back("this has to be run as root");
    if (options.name.empty()) options.name = hostname().substr(0, hostname().find('.'));
    if (!is_label(options.name)) {
        problems.push_back(fmt::format("\"{}\" can't be a node's name; give --name with a-z, 0-9 and '-' only", options.name));
    }
    if (options.address.empty()) options.address = outward_address();
    if (!is_ipv4(options.address)) {
        problems.push_back(fmt::format("\"{}\" is not an IPv4 address; give --address, at which other nodes reach this one",
                                       options.address));
    }
    if (!options.pool.empty() && !is_btrfs_mount(options.pool)) {
        problems.push_back(fmt::format("{} is not where a btrfs is mounted; mount one there, or leave --pool out to have a "
                                       "pool made in a file", options.pool));
    }
    if (options.pool_size && *options.pool_size < pool_min) {
        problems.push_back(fmt::format("--pool-size {} is too small for btrfs; at least {}", to_text(*options.pool_size),
                                       to_text(pool_min)));
    }
    const std::string prefix = "unix://";
    if (!options.engine.starts_with(prefix)) {
        problems.push_back(fmt::format("--engine {}: must be unix:// and the path of Docker's socket", options.engine));
    } else if (!exists(options.engine.substr(prefix.size()))) {
        problems.push_back(fmt::format("no Docker engine at {}; install docker.io and start it, or give --engine",
                                       options.engine));
    }
    return problems;
}

Status make_control_identity(const ConfigFolder& config, const tls::Authority& authority, const std::string& address,
                             std::uint16_t port) {
    FLOCKER_CHECK_OK(tls::write_private(config.authority_key(), authority.key));
    FLOCKER_CHECK_OK(issue(config, authority, "control", tls::terms_for_control({{address, "127.0.0.1"}, {}, {}})));
    if (exists(config.context())) return {};
    FLOCKER_CHECK_OK(issue(config, authority, "user", tls::terms_for_user("admin")));
    const std::string context =
        fmt::format("{{\n  \"control\": \"{}:{}\",\n  \"ca\": \"{}\",\n  \"certificate\": \"{}\",\n  \"key\": \"{}\"\n}}\n",
                    address, port, config.authority(), config.certificate("user"), config.key("user"));
    return posix::write_file_atomically(config.context(), context, 0600);
}

Result<InitResult> initialise(const NodeOptions& options, const std::string& cluster, Duration token_lifetime) {
    FLOCKER_CHECK_OK(refuse_if_node(options));
    FLOCKER_CHECK_OK(make_place(options));
    FLOCKER_TRY(const tls::Authority authority, tls::create_authority(cluster, wall_clock()));
    FLOCKER_CHECK_OK(write_public(options.config.authority(), authority.certificate));
    const std::string id = new_uuid();
    FLOCKER_CHECK_OK(issue(options.config, authority, "node", tls::terms_for_node(id, options.address)));
    FLOCKER_CHECK_OK(make_control_identity(options.config, authority, options.address, options.port));

    FLOCKER_TRY(const auto tokens, sqlite::SqliteTokenStore::open(options.state.tokens()));
    ClusterEnrollment enrollment(*tokens, authority, {{options.address, options.port}}, wall_clock);
    FLOCKER_TRY(const std::string token, enrollment.create_token(token_lifetime));
    FLOCKER_CHECK_OK(write_node(options, introduction(options, id), {options.address, options.port, options.agent_port, true}));
    return InitResult{token, fmt::format("{}:{}", options.address, options.port)};
}

Status join(const NodeOptions& options, const std::string& control_address, std::uint16_t agent_port,
            const std::string& token, const SendJoin& send) {
    FLOCKER_CHECK_OK(refuse_if_node(options));
    FLOCKER_TRY(const tls::JoinToken parsed, tls::parse_token(token));
    FLOCKER_CHECK_OK(make_place(options));
    FLOCKER_TRY(const auto made, tls::make_key_and_request("node"));
    FLOCKER_TRY(const ports::JoinAnswer answer, send({token, made.request, introduction(options, "")}));
    FLOCKER_CHECK_OK(write_public(options.config.authority(), answer.authority));
    FLOCKER_CHECK_OK(tls::write_private(options.config.key("node"), made.key));
    FLOCKER_CHECK_OK(write_public(options.config.certificate("node"), answer.certificate));
    return write_node(options, answer.node, {control_address, parsed.control.front().port, agent_port, false});
}

}  // namespace flocker::setup
