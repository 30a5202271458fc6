// SPDX-License-Identifier: Apache-2.0
#include "agent_wiring.hpp"

#include <arpa/inet.h>

#include <charconv>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "adapters/posix/log.hpp"
#include "engine_socket.hpp"
#include "setup/layout.hpp"

namespace flocker {
namespace {

/// When the machine started, by the kernel's wall clock.
Instant booted() {
    std::ifstream stat("/proc/stat");
    std::string word;
    std::int64_t seconds = 0;
    while (stat >> word) {
        if (word == "btime" && stat >> seconds) break;
    }
    return {seconds * 1'000'000'000};
}

protocol::Agent::Settings settings(const manifest::DaemonConfig& config, Instant started) {
    protocol::Agent::Settings settings;
    settings.node = config.node.id;
    settings.volumes = config.volumes;
    settings.started = started;
    settings.booted = booted();
    const auto slash = config.subnet.find('/');
    in_addr network{};
    unsigned prefix = 16;
    ::inet_pton(AF_INET, config.subnet.substr(0, slash).c_str(), &network);
    std::from_chars(config.subnet.data() + slash + 1, config.subnet.data() + config.subnet.size(), prefix);
    // The first is the network's, the next the bridge's own, the last the broadcast's.
    settings.first_address = ntohl(network.s_addr) + 2;
    settings.address_count = (std::uint32_t{1} << (32 - prefix)) - 3;
    return settings;
}

driver::Trace agent_log() {
    return [](const std::string& line) { posix::log(posix::Level::info, "agent", {{"does", line}}); };
}

/// Where flockerd was installed, wherever that is.
std::string beside_own_program(const char* name) {
    std::error_code error;
    const auto own = std::filesystem::read_symlink("/proc/self/exe", error);
    return (own.parent_path() / name).string();
}

bool is_node(const std::string& common_name) { return common_name.starts_with("node:"); }

}  // namespace

Result<std::unique_ptr<AgentWiring>> AgentWiring::open(const manifest::DaemonConfig& config, const tls::TlsContext& identity,
                                                       ports::Loop& loop) {
    FLOCKER_TRY(auto router, nftables::NftRouter::open(loop));
    FLOCKER_TRY(auto listener, identity.listen("0.0.0.0", config.data_port, tls::ClientCertificates::required));
    return std::make_unique<AgentWiring>(config, identity, loop, std::move(router), std::move(listener));
}

AgentWiring::AgentWiring(const manifest::DaemonConfig& config, const tls::TlsContext& identity, ports::Loop& loop,
                         std::unique_ptr<nftables::NftRouter> router, std::unique_ptr<posix::Listener> listener)
    : router_(std::move(router)),
      listener_(std::move(listener)),
      workers_(loop),
      datasets_(workers_, {config.pool, config.volumes}),
      snapshots_(config.pool),
      digests_(config.pool),
      engine_(workers_, loop, {engine_socket(config), config.subnet, setup::StateFolder{config.state}.gate(),
               beside_own_program("flocker-gate")}),
      streams_(engine_socket(config)),
      cache_(setup::StateFolder{config.state}.assignment(), loop),
      link_(loop, identity.connector(is_node), snapshots_, streams_),
      control_(loop, identity.connector(tls::peer_is("control")), {config.control.address, config.control.agent_port},
               config.node.id, [](const std::string& text) { posix::log(posix::Level::info, "control_link", {{"says", text}}); }),
      driver_({loop, datasets_, engine_, *router_, link_, control_, cache_}, settings(config, loop.now()), agent_log()),
      server_(*listener_, {loop, driver_, snapshots_, streams_, &digests_}) {}

void AgentWiring::stop() {
    streams_.close();
    server_.stop();
}

}  // namespace flocker
