// SPDX-License-Identifier: Apache-2.0
#include "manifest/application_fields.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <tuple>

#include "manifest/bandwidth.hpp"
#include "manifest/command_line.hpp"
#include "manifest/duration.hpp"
#include "manifest/expect.hpp"
#include "manifest/limits.hpp"
#include "manifest/size.hpp"
#include "manifest/text.hpp"

namespace flocker::manifest {
namespace {

constexpr Range mem_limit_range{6291456, std::uint64_t{1} << 62};  // Docker takes no less than 6 MiB.
constexpr Range replicas_range{0, limits::replicas};
constexpr Duration lag_min = 500ms;
constexpr Duration lag_max = 60min;
constexpr Range retry_range{1, 1'000'000};
constexpr const char* port_example = "{internal: 80, external: 8080}";
constexpr const char* link_example = "{local_port: 5432, remote_port: 5432, alias: db}";
constexpr const char* hooks_example = "{before_move: [psql, -c, CHECKPOINT]}";
constexpr const char* volume_example = "{mountpoint: /data}";

std::string item_name(const std::string& list, std::size_t index) {
    return fmt::format("{}[{}]", list, index + 1);
}

/// Whether an environment variable's name can be repeated in a message. Anything else may be a
/// secret in the wrong place, like the key of `{PASSWORD=secret}`.
bool is_plain_variable_name(std::string_view name) {
    return !name.empty() && !is_digit(name.front()) && name.size() <= limits::shown_bytes &&
           std::all_of(name.begin(), name.end(), [](char c) { return is_alphanumeric(c) || c == '_'; });
}

bool is_alias(std::string_view alias) {
    return !alias.empty() && alias.size() <= limits::name_bytes &&
           std::all_of(alias.begin(), alias.end(), [](char c) { return is_alphanumeric(c) || c == '-' || c == '_'; });
}

/// As it is in the names of the variables.
std::string canonical_alias(std::string_view alias) {
    auto lower = to_lower(alias);
    std::replace(lower.begin(), lower.end(), '-', '_');
    return lower;
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
    const auto number = parse_plain_number(text);
    if (!number || *number == 0 || *number > UINT16_MAX) return std::nullopt;
    return static_cast<std::uint16_t>(*number);
}

std::optional<model::Protocol> parse_protocol(std::string_view text) {
    if (text == "tcp") return model::Protocol::tcp;
    if (text == "udp") return model::Protocol::udp;
    return std::nullopt;
}

/// Why "8080:80/udp", as Docker and Compose have it, can't be one of ours.
std::string short_port_problem(std::string_view text) {
    const auto slash = text.find('/');
    const std::string_view numbers = text.substr(0, slash);
    if (std::count(numbers.begin(), numbers.end(), ':') > 1) return "every node answers at a port, leave the address out";
    if (numbers.find('-') != std::string_view::npos) return "write each port of a range by itself";
    if (slash != std::string_view::npos && !parse_protocol(text.substr(slash + 1))) return "the protocol is tcp or udp";
    return "write EXTERNAL:INTERNAL, like 8080:80 or 53:53/udp";
}

/// "8080:80", "53:53/udp": the node's side comes first.
std::optional<model::Port> read_short_port(const Value& item, const std::string& what, Problems& problems) {
    const std::string_view text = item.text;
    const auto slash = std::min(text.find('/'), text.size());
    const auto colon = text.find(':');
    std::optional<std::uint16_t> external;
    std::optional<std::uint16_t> internal;
    if (colon < slash) {
        external = parse_port(text.substr(0, colon));
        internal = parse_port(text.substr(colon + 1, slash - colon - 1));
    }
    const auto protocol = parse_protocol(slash == text.size() ? "tcp" : text.substr(slash + 1));
    if (external && internal && protocol) return model::Port{*internal, *external, *protocol};
    problems.add(item.position, fmt::format("{} is {}: {}", what, shown(text), short_port_problem(text)));
    return std::nullopt;
}

/// One port of a list; a number that has a problem is 0.
struct ReadPort {
    model::Port port;
    Position internal;
    Position external;
};

std::optional<ReadPort> read_port(const Value& item, const std::string& what, Problems& problems) {
    if (item.is_scalar() && item.text.find_first_of(":/") != std::string::npos) {
        const auto port = read_short_port(item, what, problems);
        return port ? std::optional(ReadPort{*port, item.position, item.position}) : std::nullopt;
    }
    if (!expect_map(item, what, port_example, problems)) return std::nullopt;
    const Fields fields(item, what, {"internal", "external", "protocol"}, problems);
    ReadPort read{{}, item.position, item.position};
    if (const auto* internal = fields.need("internal", "the container's port, like internal: 80")) {
        read.port.internal = expect_port(*internal, fields.name_of("internal"), problems).value_or(0);
        read.internal = internal->position;
    }
    if (const auto* external = fields.need("external", "the port on every node, like external: 8080")) {
        read.port.external = expect_port(*external, fields.name_of("external"), problems).value_or(0);
        read.external = external->position;
    }
    if (const auto* protocol = fields.find("protocol")) {
        const auto known = protocol->is_scalar() ? parse_protocol(protocol->text) : std::nullopt;
        if (!known && protocol->kind != Value::Kind::refused) {
            problems.add(protocol->position,
                         fmt::format("{} is {}, it must be tcp or udp", fields.name_of("protocol"),
                                     protocol->is_scalar() ? shown(protocol->text) : std::string(kind_of(*protocol))));
        }
        read.port.protocol = known.value_or(model::Protocol::tcp);
    }
    return read;
}

std::optional<model::Link> read_link(const Value& item, const std::string& what, Problems& problems) {
    if (!expect_map(item, what, link_example, problems)) return std::nullopt;
    const Fields fields(item, what, {"local_port", "remote_port", "alias"}, problems);
    std::optional<std::uint16_t> local;
    std::optional<std::uint16_t> remote;
    std::optional<std::string> alias;
    if (const auto* value = fields.need("local_port", "the port in the variables' names, like local_port: 5432")) {
        local = expect_port(*value, fields.name_of("local_port"), problems);
    }
    if (const auto* value =
            fields.need("remote_port", "the other application's external port, like remote_port: 5432")) {
        remote = expect_port(*value, fields.name_of("remote_port"), problems);
    }
    if (const auto* value = fields.need("alias", "a name for the variables, like alias: db")) {
        alias = expect_text(*value, fields.name_of("alias"), problems);
        if (alias && !is_alias(*alias)) {
            problems.add(value->position,
                         fmt::format("{} {} is not a name, use letters, digits, '-' and '_', at most {}",
                                     fields.name_of("alias"), shown(*alias), limits::name_bytes));
            alias.reset();
        }
    }
    if (!local || !remote || !alias) return std::nullopt;
    return model::Link{*local, *remote, *std::move(alias)};
}

std::optional<Bytes> read_maximum_size(const Value& value, const std::string& what, Problems& problems) {
    if (value.kind == Value::Kind::plain && meaning_of(value.text) != Meaning::text) {
        problems.add(value.position, fmt::format("{} must be text and is {}, put it in quotes: \"{}\"", what,
                                                 kind_of(value), value.text.substr(0, limits::shown_bytes)));
        return std::nullopt;
    }
    const auto text = expect_text(value, what, problems);
    if (!text) return std::nullopt;
    const auto size = parse_size(*text);
    if (!size) {
        problems.add(value.position, fmt::format("{} {}", what, size.error().message));
        return std::nullopt;
    }
    return *size;
}

std::optional<Duration> read_lag(const Value& value, const std::string& what, Problems& problems) {
    if (value.kind == Value::Kind::refused) return std::nullopt;
    const auto text = value.is_scalar() ? std::string_view(value.text) : std::string_view();
    const auto lag = parse_duration(text);
    if (const auto number = parse_plain_number(text); number && *number > 0) {
        problems.add(value.position, fmt::format("{} is {}, write its unit: {}s", what, shown(text), *number));
    } else if (!lag || *lag < lag_min || *lag > lag_max) {
        problems.add(value.position, fmt::format("{} is {}, it must be a duration from {} to {}, like 1s", what,
                                                 value.is_scalar() ? shown(text) : std::string(kind_of(value)),
                                                 duration_text(lag_min), duration_text(lag_max)));
    } else {
        return *lag;
    }
    return std::nullopt;
}

std::optional<model::Bandwidth> read_bandwidth(const Value& value, const std::string& what, Problems& problems) {
    if (value.kind == Value::Kind::refused) return std::nullopt;
    if (!value.is_scalar()) {
        problems.add(value.position, fmt::format("{} is {}, write a rate like 10MB/s", what, kind_of(value)));
        return std::nullopt;
    }
    auto bandwidth = parse_bandwidth(value.text);
    if (bandwidth) return *std::move(bandwidth);
    problems.add(value.position, fmt::format("{}: {}", what, bandwidth.error().message));
    return std::nullopt;
}

/// One of two words; the first is what a wrong one is taken for.
template <class Choice>
Choice read_choice(const Value& value, const std::string& what,
                   const std::array<std::pair<std::string_view, Choice>, 2>& choices, Problems& problems) {
    const auto text = value.is_scalar() ? std::string_view(value.text) : std::string_view();
    for (const auto& [word, choice] : choices) {
        if (text == word) return choice;
    }
    if (value.kind != Value::Kind::refused) {
        problems.add(value.position, fmt::format("{} is {}, it must be {} or {}", what,
                                                 value.is_scalar() ? shown(text) : std::string(kind_of(value)),
                                                 choices[0].first, choices[1].first));
    }
    return choices[0].second;
}

}  // namespace

std::vector<PortPosition> read_ports(const Value& value, const std::string& what, Problems& problems) {
    std::vector<PortPosition> ports;
    if (!expect_list(value, what, fmt::format("[{}]", port_example), problems)) return ports;
    Claims<model::ExternalPort> internals;
    for (std::size_t i = 0; i < value.items.size(); ++i) {
        const auto name = item_name(what, i);
        const auto read = read_port(value.items[i], name, problems);
        if (!read) continue;
        const model::ExternalPort internal(read->port.internal, read->port.protocol);
        if (internal.number != 0) {
            if (const auto* first = internals.claim(internal, name, problems.location(read->internal))) {
                problems.add(read->internal, fmt::format("{}: internal port {} is here twice, first at {}, keep one", what,
                                                         to_text(internal), to_text(first->location)));
            }
        }
        // A port with half of a problem still claims its external number.
        if (read->port.external != 0) ports.push_back({read->port, read->external});
    }
    return ports;
}

std::vector<model::Link> read_links(const Value& value, const std::string& what, Problems& problems) {
    std::vector<model::Link> links;
    if (!expect_list(value, what, fmt::format("[{}]", link_example), problems)) return links;
    Claims<std::pair<std::string, std::uint16_t>> variables;
    for (std::size_t i = 0; i < value.items.size(); ++i) {
        const auto name = item_name(what, i);
        auto link = read_link(value.items[i], name, problems);
        if (!link) continue;
        const auto position = value.items[i].position;
        if (const auto* first =
                variables.claim({canonical_alias(link->alias), link->local_port}, name, problems.location(position))) {
            problems.add(position, fmt::format("{}: alias {} with local_port {} is here twice, first at {}, "
                                               "choose another alias",
                                               name, shown(link->alias), link->local_port, to_text(first->location)));
            continue;
        }
        links.push_back(*std::move(link));
    }
    std::sort(links.begin(), links.end(), [](const model::Link& a, const model::Link& b) {
        return std::tie(a.alias, a.local_port) < std::tie(b.alias, b.local_port);
    });
    return links;
}

model::Volume read_volume(const Value& value, const std::string& what, Problems& problems) {
    model::Volume volume;
    if (!expect_map(value, what, volume_example, problems)) return volume;
    const Fields fields(value, what, {"mountpoint", "maximum_size", "dataset_id", "replicas", "lag", "spread", "bandwidth"},
                        problems);
    if (const auto* mountpoint = fields.need("mountpoint", "its path in the container, like mountpoint: /data")) {
        volume.mountpoint = expect_path(*mountpoint, fields.name_of("mountpoint"), "/data", problems).value_or("");
    }
    if (const auto* size = fields.find("maximum_size")) {
        volume.maximum_size = read_maximum_size(*size, fields.name_of("maximum_size"), problems);
    }
    if (const auto* dataset = fields.find("dataset_id")) {
        volume.dataset = model::DatasetId{expect_uuid(*dataset, fields.name_of("dataset_id"), problems).value_or("")};
    }
    if (const auto* replicas = fields.find("replicas")) {
        const auto number = expect_number(*replicas, fields.name_of("replicas"), replicas_range, problems);
        if (number) volume.replicas = static_cast<std::uint32_t>(*number);
    }
    if (const auto* lag = fields.find("lag")) volume.lag = read_lag(*lag, fields.name_of("lag"), problems);
    if (const auto* spread = fields.find("spread")) {
        volume.spread = read_choice<model::Spread>(
            *spread, fields.name_of("spread"),
            {{{"datacenter", model::Spread::datacenter}, {"anywhere", model::Spread::anywhere}}}, problems);
    }
    if (const auto* bandwidth = fields.find("bandwidth")) {
        volume.bandwidth = read_bandwidth(*bandwidth, fields.name_of("bandwidth"), problems);
    }
    return volume;
}

std::map<std::string, std::string> read_environment(const Value& value, const std::string& what, Problems& problems) {
    std::map<std::string, std::string> environment;
    if (!expect_map(value, what, "{NAME: \"value\"}", problems)) return environment;
    for (const auto& entry : value.entries) {
        const auto& key = entry.key;
        if (key.kind == Value::Kind::refused) continue;
        if (!key.is_scalar() || (key.kind == Value::Kind::plain && meaning_of(key.text) != Meaning::text)) {
            problems.add(key.position, fmt::format("{}: a variable's name must be text and is {}, put it in quotes",
                                                   what, kind_of(key)));
            continue;
        }
        if (key.text.empty() || key.text.find_first_of(std::string_view("=\0", 2)) != std::string::npos) {
            problems.add(key.position, fmt::format("{}: a variable's name is empty or has '=' or NUL in it, "
                                                   "write NAME: \"value\"",
                                                   what));
            continue;
        }
        const auto name = is_plain_variable_name(key.text) ? fmt::format("{}: {}", what, key.text)
                                                           : fmt::format("{}: this variable", what);
        if (entry.value.kind == Value::Kind::null) {
            problems.add(entry.value.position, fmt::format("{} has no value, write \"\" if it is to be empty", name));
            continue;
        }
        const auto text = expect_text(entry.value, name, problems);
        if (!text) continue;
        if (text->find('\0') != std::string::npos) {
            problems.add(entry.value.position,
                         fmt::format("{} has a NUL in it, which no variable can hold, leave it out", name));
        } else if (key.text.size() + 1 + text->size() > limits::argument_bytes) {
            problems.add(entry.value.position, fmt::format("{} is longer than Linux takes, shorten it to {} bytes",
                                                           name, limits::argument_bytes - 1 - key.text.size()));
        } else {
            environment.emplace(key.text, *text);
        }
    }
    return environment;
}

model::RestartPolicy read_restart_policy(const Value& value, const std::string& what, Problems& problems) {
    using Name = model::RestartPolicy::Name;
    model::RestartPolicy policy;
    if (!expect_map(value, what, "{name: always}", problems)) return policy;
    const Fields fields(value, what, {"name", "maximum_retry_count"}, problems);
    if (const auto* name = fields.need("name", "name: never, always or on-failure")) {
        const auto text = name->is_scalar() ? std::string_view(name->text) : std::string_view();
        if (text == "always") {
            policy.name = Name::always;
        } else if (text == "on-failure") {
            policy.name = Name::on_failure;
        } else if (text != "never") {
            problems.add(name->position,
                         fmt::format("{} is {}, it must be never, always or on-failure", fields.name_of("name"),
                                     name->is_scalar() ? shown(text) : std::string(kind_of(*name))));
            return policy;
        }
    }
    const auto* count = fields.find("maximum_retry_count");
    if (count == nullptr) return policy;
    const auto number = expect_number(*count, fields.name_of("maximum_retry_count"), retry_range, problems);
    if (number) policy.maximum_retry_count = static_cast<std::uint32_t>(*number);
    if (policy.name != Name::on_failure && fields.find("name") != nullptr) {
        problems.add(count->position, fmt::format("{} is for name: on-failure only, leave it out",
                                                  fields.name_of("maximum_retry_count")));
    }
    return policy;
}

std::optional<Bytes> read_mem_limit(const Value& value, const std::string& what, Problems& problems) {
    if (value.is_scalar() && !parse_plain_number(value.text)) {
        if (const auto size = parse_size(value.text); size && size->value >= mem_limit_range.min) {
            problems.add(value.position, fmt::format("{} is {}, it is a number of bytes: write {}", what,
                                                     shown(value.text), size->value));
            return std::nullopt;
        }
    }
    const auto number = expect_number(value, what, mem_limit_range, problems);
    if (!number) return std::nullopt;
    return Bytes{*number};
}

std::optional<std::vector<std::string>> read_command(const Value& value, const std::string& what, Problems& problems) {
    std::vector<std::string> words;
    if (value.kind == Value::Kind::list) {
        for (std::size_t i = 0; i < value.items.size(); ++i) {
            words.push_back(expect_text(value.items[i], item_name(what, i), problems).value_or(""));
        }
        if (words.empty()) {
            problems.add(value.position, fmt::format("{} is empty, write a command or leave the key out", what));
        }
    } else {
        const auto text = expect_text(value, what, problems);
        if (!text) return std::nullopt;
        auto split = split_command(*text);
        if (!split) {
            problems.add(value.position, fmt::format("{} {}", what, split.error().message));
            return std::nullopt;
        }
        words = *std::move(split);
    }
    for (const auto& word : words) {
        if (word.find('\0') != std::string::npos || word.size() > limits::argument_bytes) {
            problems.add(value.position, fmt::format("{} has a NUL in it or a word longer than Linux takes, "
                                                     "leave out NULs and keep words under {} bytes",
                                                     what, limits::argument_bytes + 1));
            return std::nullopt;
        }
    }
    return words;
}

std::optional<std::vector<std::string>> read_hooks(const Value& value, const std::string& what, Problems& problems) {
    if (!expect_map(value, what, hooks_example, problems)) return std::nullopt;
    const Fields fields(value, what, {"before_move"}, problems);
    const auto* hook = fields.find("before_move");
    if (hook == nullptr) return std::nullopt;
    if (hook->kind == Value::Kind::list && hook->items.empty()) return std::vector<std::string>{};
    return read_command(*hook, fields.name_of("before_move"), problems);
}

model::Cutover read_cutover(const Value& value, const std::string& what, Problems& problems) {
    return read_choice<model::Cutover>(
        value, what, {{{"stop", model::Cutover::stop}, {"freeze", model::Cutover::freeze}}}, problems);
}

model::Failover read_failover(const Value& value, const std::string& what, Problems& problems) {
    return read_choice<model::Failover>(
        value, what, {{{"manual", model::Failover::manual}, {"automatic", model::Failover::automatic}}}, problems);
}

}  // namespace flocker::manifest
