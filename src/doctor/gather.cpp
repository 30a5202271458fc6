// SPDX-License-Identifier: Apache-2.0
#include "doctor/gather.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <future>

#include "adapters/posix/fd_stream.hpp"
#include "adapters/posix/files.hpp"
#include "adapters/sqlite/state_store.hpp"
#include "adapters/tls/authority.hpp"
#include "doctor/local.hpp"
#include "manifest/daemon_config.hpp"
#include "setup/layout.hpp"
#include "standby/asking.hpp"
#include "standby/beginning.hpp"
#include "standby/own_node.hpp"
#include "standby/place.hpp"

namespace flocker::doctor {
namespace {

constexpr std::size_t file_max = std::size_t{1} << 20U;
constexpr std::size_t mounts_max = std::size_t{16} << 20U;
constexpr Duration connect_limit = 2s;

Instant wall_clock() {
    return {std::chrono::duration_cast<Duration>(std::chrono::system_clock::now().time_since_epoch()).count()};
}

/// The configuration, as far as there is one; before there is, what `flocker init` takes if nothing is said.
manifest::DaemonConfig read_config(const setup::ConfigFolder& folder, Facts& facts) {
    facts.config = folder.daemon();
    const auto text = posix::read_file(folder.daemon(), file_max);
    if (!text && text.error().code == ErrorCode::not_found) return {};
    if (!text) {
        facts.config_fault = text.error().message;
        return {};
    }
    auto parsed = manifest::parse_daemon_config({folder.daemon(), *text});
    if (const auto* problems = std::get_if<std::vector<manifest::Diagnostic>>(&parsed)) {
        facts.config_fault = manifest::to_text(problems->front());
        return {};
    }
    facts.is_node = true;
    return std::get<manifest::DaemonConfig>(std::move(parsed));
}

IdentityFacts look_at_identity(const std::string& path, bool is_key) {
    IdentityFacts seen;
    seen.path = path;
    seen.is_key = is_key;
    struct stat file {};
    if (::stat(path.c_str(), &file) == 0) {
        seen.mode = file.st_mode & 07777U;
        seen.owner = file.st_uid;
    }
    const auto text = posix::read_file(path, file_max);
    if (!text) {
        seen.fault = text.error().message;
    } else if (!is_key) {
        const auto facts = tls::read_certificate(*text);
        if (facts) {
            seen.valid_from = facts->valid_from;
            seen.valid_until = facts->valid_until;
        } else {
            seen.fault = fmt::format("{}: {}", path, facts.error().message);
        }
    }
    return seen;
}

void look_at_all_identities(const setup::ConfigFolder& folder, bool control_here, Facts& facts) {
    const auto add = [&](const std::string& path, bool is_key) { facts.identity.push_back(look_at_identity(path, is_key)); };
    add(folder.authority(), false);
    add(folder.certificate("node"), false);
    add(folder.key("node"), true);
    if (control_here) {
        add(folder.certificate("control"), false);
        add(folder.key("control"), true);
        add(folder.authority_key(), true);
    }
    if (::access(folder.certificate("user").c_str(), F_OK) == 0) {
        add(folder.certificate("user"), false);
        add(folder.key("user"), true);
    }
}

struct Asking {
    std::string node;
    std::string address;
    std::uint16_t port;
    const char* purpose;
};

std::vector<PeerFacts> knock(const std::vector<Asking>& doors) {
    std::vector<std::future<std::string>> answers;
    answers.reserve(doors.size());
    for (const Asking& door : doors) {
        answers.push_back(std::async(std::launch::async, [&door] {
            const auto connected = posix::connect_tcp_fd(door.address, door.port, connect_limit);
            return connected ? std::string() : connected.error().message;
        }));
    }
    std::vector<PeerFacts> peers;
    for (std::size_t i = 0; i < doors.size(); ++i) {
        peers.push_back({doors[i].node, doors[i].address, doors[i].port, doors[i].purpose, answers[i].get()});
    }
    return peers;
}

void ask_others(const standby::OwnNode& node, const model::ControlPlace& place, Facts& facts) {
    const manifest::DaemonConfig& config = node.config;
    const auto connector = node.identity.connector(standby::may_say);
    const auto own = standby::ask(connector, config.node.address, place.port);
    facts.daemon_runs = facts.daemon_runs || own.has_value();
    ControlFacts control;
    control.here = standby::is_here(config, place);
    control.address = fmt::format("{}:{}", place.address, place.port);
    if (own && !own->serves) control.unheard = own->silence;
    if (control.here && !facts.daemon_runs) {
        if (const Status usable = standby::check_records(config, place); !usable) {
            control.records_fault = sqlite::fault_alone(usable.error());
        }
    }
    const Instant before = wall_clock();
    const auto word = standby::ask(connector, place.address, place.port);
    if (!word) {
        control.fault = word.error().message;
    } else if (word->now.unix_ns != 0 && !control.here) {
        // The answer was given somewhere between; half of the way is the best guess.
        control.off = word->now - (before + (wall_clock() - before) / 2);
    }
    facts.control = std::move(control);

    std::vector<model::Node> members;
    if (word) members = word->members;
    if (members.empty() && own) members = own->members;
    if (const auto told = standby::last_told(config); members.empty() && told) members = told->nodes;
    std::vector<Asking> doors;
    for (const model::Node& member : members) {
        if (member.id == config.node.id) continue;
        doors.push_back({member.name, member.address, place.port, "API"});
        doors.push_back({member.name, member.address, member.data_port, "snapshots"});
        if (member.address == place.address) doors.push_back({member.name, member.address, place.agent_port, "agents"});
    }
    facts.peers = knock(doors);
}

}  // namespace

Facts gather(const std::string& config_folder) {
    const setup::ConfigFolder folder{config_folder};
    Facts facts;
    facts.now = wall_clock();
    facts.root = ::geteuid() == 0;
    const manifest::DaemonConfig config = read_config(folder, facts);
    facts.node = config.node.name;
    facts.subnet = config.subnet;
    model::ControlPlace place{config.control.address, config.control.port, config.control.agent_port, 0};
    if (facts.is_node) place = standby::read_place(config).value_or(place);
    const bool control_here = !facts.is_node || standby::is_here(config, place);

    const auto mounts = parse_mounts(posix::read_file("/proc/self/mountinfo", mounts_max).value_or(""));
    const std::string prefix = "unix://";
    facts.engine.socket = config.engine.starts_with(prefix) ? config.engine.substr(prefix.size()) : config.engine;
    const auto engine = docker::ask_engine(facts.engine.socket);
    if (engine) facts.engine.facts = *engine;
    if (!engine) facts.engine.fault = engine.error().message;
    const setup::StateFolder state{config.state};
    facts.pool = look_at_pool(config.pool, config.pool == state.pool() ? state.pool_image() : "", mounts);
    facts.disks = look_at_disks({"/", config.state, facts.engine.facts.root});
    facts.kernel = look_at_kernel(mounts, facts.root);
    facts.networks = look_at_networks();
    facts.ports = {{place.port, "API", "", 0}, {config.data_port, "snapshots", "", 0}};
    if (control_here) facts.ports.push_back({place.agent_port, "agents", "", 0});
    look_at_ports(facts.ports);
    facts.daemon_runs = std::ranges::any_of(facts.ports, [](const PortFacts& port) { return port.holder == "flockerd"; });
    if (!facts.is_node) return facts;
    look_at_all_identities(folder, control_here, facts);
    if (const auto node = standby::read_own_node(config_folder)) ask_others(*node, place, facts);
    return facts;
}

}  // namespace flocker::doctor
