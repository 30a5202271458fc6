// SPDX-License-Identifier: Apache-2.0
#include "manifest/daemon_config.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "manifest/address.hpp"
#include "manifest/claims.hpp"
#include "manifest/expect.hpp"
#include "manifest/text.hpp"

namespace flocker::manifest {
namespace {

constexpr std::string_view unix_scheme = "unix://";
constexpr unsigned prefix_min = 16;
constexpr unsigned prefix_max = 28;

bool is_subnet(std::string_view text) {
    const auto slash = text.find('/');
    if (slash == std::string_view::npos) return false;
    const auto address = parse_ipv4(text.substr(0, slash));
    const auto prefix = parse_plain_number(text.substr(slash + 1));
    return address && prefix && *prefix >= prefix_min && *prefix <= prefix_max && (*address << *prefix) == 0;
}

class ConfigReader {
public:
    explicit ConfigReader(Problems& problems) : problems_(problems) {}

    DaemonConfig read(const Value& root) {
        DaemonConfig config;
        if (!expect_map(root, "flockerd's configuration", "version: 1 and node, control and pool", problems_)) {
            return config;
        }
        const Fields fields(root, "configuration",
                            {"version", "node", "control", "data_port", "pool", "volumes", "state", "engine", "subnet"},
                            problems_);
        expect_version(fields, problems_);
        if (const auto* node = fields.need("node", "node: {id: UUID, name: NAME, address: IPV4}")) {
            read_node(*node, config.node);
        }
        if (const auto* control = fields.need("control", "control: {address: ADDRESS}")) {
            read_control(*control, config.control);
        }
        if (const auto* port = fields.find("data_port")) {
            config.data_port = read_port(*port, "data_port", config.control.serve);
        } else {
            claim_default(config.data_port, "data_port", root.position, config.control.serve);
        }
        if (const auto* pool = fields.need("pool", "the mounted btrfs for the data, like pool: /srv/flocker")) {
            config.pool = read_path(*pool, "pool", "/srv/flocker");
        }
        if (const auto* volumes = fields.find("volumes")) config.volumes = read_path(*volumes, "volumes", "/flocker");
        if (const auto* state = fields.find("state")) config.state = read_path(*state, "state", "/var/lib/flocker");
        if (const auto* engine = fields.find("engine")) config.engine = read_engine(*engine);
        if (const auto* subnet = fields.find("subnet")) config.subnet = read_subnet(*subnet);
        return config;
    }

private:
    void read_node(const Value& map, DaemonConfig::Node& node) {
        if (!expect_map(map, "node", "{id: UUID, name: NAME, address: IPV4}", problems_)) return;
        const Fields fields(map, "node", {"id", "name", "address"}, problems_);
        if (const auto* id = fields.need("id", "id: and the UUID of this node's certificate")) {
            node.id = model::NodeId{expect_uuid(*id, "node: id", problems_).value_or("")};
        }
        if (const auto* name = fields.need("name", "a name for this node, like name: alder")) {
            node.name = expect(*name, "node: name", is_dns_label,
                               "is not a node's name, use letters, digits and '-', at most 63, not only digits");
        }
        if (const auto* address = fields.need("address", "this node's IPv4 address, like address: 10.0.0.1")) {
            node.address = expect(
                *address, "node: address", [](std::string_view text) { return parse_ipv4(text).has_value(); },
                "is not an IPv4 address, write one like 10.0.0.1");
        }
    }

    void read_control(const Value& map, DaemonConfig::Control& control) {
        if (!expect_map(map, "control", "{address: ADDRESS}", problems_)) return;
        const Fields fields(map, "control", {"address", "port", "agent_port", "serve"}, problems_);
        if (const auto* address = fields.need("address", "the control service's address, like address: 10.0.0.1")) {
            control.address = expect(
                *address, "control: address",
                [](std::string_view text) { return parse_ipv4(text) || is_hostname(text); },
                "is neither an IPv4 address nor a hostname, write one like 10.0.0.1");
        }
        if (const auto* serve = fields.find("serve")) {
            control.serve = expect_truth_value(*serve, "control: serve", problems_).value_or(false);
        }
        if (const auto* port = fields.find("port")) {
            control.port = read_port(*port, "control: port", true);
        } else {
            claim_default(control.port, "control: port", map.position, true);
        }
        if (const auto* port = fields.find("agent_port")) {
            control.agent_port = read_port(*port, "control: agent_port", true);
        } else {
            claim_default(control.agent_port, "control: agent_port", map.position, true);
        }
    }

    template <class Accepts>
    std::string expect(const Value& value, std::string_view what, Accepts accepts, std::string_view wrong) {
        const auto text = expect_text(value, what, problems_);
        if (!text) return {};
        if (accepts(std::string_view(*text))) return *text;
        problems_.add(value.position, fmt::format("{} {} {}", what, shown(*text), wrong));
        return {};
    }

    /// `exclusive`: on the same machine as the other exclusive ones.
    std::uint16_t read_port(const Value& value, std::string_view what, bool exclusive) {
        const auto port = expect_port(value, what, problems_);
        if (port && exclusive) claim(*port, what, value.position);
        return port.value_or(0);
    }

    void claim_default(std::uint16_t port, std::string_view what, Position position, bool exclusive) {
        if (exclusive) claim(port, what, position);
    }

    void claim(std::uint16_t port, std::string_view what, Position position) {
        if (const auto* first = ports_.claim(port, std::string(what), problems_.location(position))) {
            problems_.add(position, fmt::format("{} is {}, the same as {}, choose another", what, port, first->owner));
        }
    }

    std::string read_path(const Value& value, std::string_view what, std::string_view example) {
        auto path = expect_path(value, what, example, problems_);
        if (!path) return {};
        if (const auto* first = paths_.claim(*path, std::string(what), problems_.location(value.position))) {
            problems_.add(value.position,
                          fmt::format("{} {} is the same as {}, choose another", what, shown(*path), first->owner));
        }
        return *path;
    }

    std::string read_engine(const Value& value) {
        return expect(
            value, "engine",
            [](std::string_view text) {
                return text.starts_with(unix_scheme) && text.substr(unix_scheme.size()).starts_with('/') &&
                       text.size() > unix_scheme.size() + 1 && std::none_of(text.begin(), text.end(), is_control);
            },
            "is not the engine's socket, write it like unix:///var/run/docker.sock");
    }

    std::string read_subnet(const Value& value) {
        return expect(value, "subnet", is_subnet,
                      "is not a subnet for containers, write the first address and a prefix from 16 to 28, like "
                      "10.213.0.0/16");
    }

    Problems& problems_;
    Claims<std::uint16_t> ports_;
    Claims<std::string> paths_;
};

/// Plain if every YAML reader takes it for this text, otherwise in double quotes.
std::string scalar(std::string_view text) {
    const bool simple = !text.empty() && meaning_of(text) == Meaning::text && to_lower(text) != "null" &&
                        (is_alphanumeric(text.front()) || text.front() == '/') &&
                        std::all_of(text.begin(), text.end(), [](char c) {
                            return is_alphanumeric(c) || std::string_view("/._-").find(c) != std::string_view::npos;
                        });
    if (simple) return std::string(text);
    std::string quoted = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') quoted += '\\';
        quoted += c;
    }
    return quoted + "\"";
}

}  // namespace

std::variant<DaemonConfig, std::vector<Diagnostic>> parse_daemon_config(const SourceText& source) {
    Problems problems(source.file);
    DaemonConfig config;
    if (const auto root = load_yaml(source, problems)) config = ConfigReader(problems).read(*root);
    if (problems.empty()) return config;
    auto found = problems.found();
    std::sort(found.begin(), found.end());
    return found;
}

std::string to_yaml(const DaemonConfig& config) {
    std::string out;
    const auto write = [&out](std::string_view setting, std::string_view comment) {
        out += comment.empty() ? fmt::format("{}\n", setting) : fmt::format("{:<50}  # {}\n", setting, comment);
    };
    write("version: 1", "of this file's format");
    write("node:", "this machine; what its certificate says");
    write("  id: " + scalar(config.node.id.value), "never changes");
    write("  name: " + scalar(config.node.name), "unique in the cluster");
    write("  address: " + scalar(config.node.address), "where other nodes and clients reach it");
    write("control:", "the control service");
    write("  address: " + scalar(config.control.address), "where it runs");
    write(fmt::format("  port: {}", config.control.port), "the REST API");
    write(fmt::format("  agent_port: {}", config.control.agent_port), "for agents");
    write(fmt::format("  serve: {}", config.control.serve), "whether it runs on this node");
    write(fmt::format("data_port: {}", config.data_port), "where this agent takes snapshots from others");
    write("pool: " + scalar(config.pool), "a mounted btrfs; the data is in its folder flocker");
    write("volumes: " + scalar(config.volumes), "where volumes are mounted, by dataset id");
    write("state: " + scalar(config.state), "what must outlive a restart of the daemon");
    write("engine: " + scalar(config.engine), "the container engine's socket");
    write("subnet: " + scalar(config.subnet), "addresses for the containers of this node");
    return out;
}

}  // namespace flocker::manifest
