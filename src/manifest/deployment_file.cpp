// SPDX-License-Identifier: Apache-2.0
#include "manifest/deployment_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "manifest/address.hpp"
#include "manifest/claims.hpp"
#include "manifest/expect.hpp"
#include "manifest/limits.hpp"
#include "manifest/text.hpp"

namespace flocker::manifest {
namespace {

constexpr const char* file_example = "version: 1 and nodes: {NODE: [APPLICATION]}";
constexpr std::string_view datacenter_key = "datacenter";

std::string to_message(const model::Place& place) {
    return std::visit(Overloaded{[](const model::NodeReference& node) { return "node " + shown(node.value); },
                                 [](const model::DatacenterName& name) { return "data center " + shown(name.value); }},
                      place);
}

class PlaceReader {
public:
    PlaceReader(const ApplicationFile& applications, Problems& problems)
        : applications_(applications), problems_(problems) {
        for (const auto& name : applications.names) candidates_.push_back(name);
    }

    void read(const Entry& entry, DeploymentFile& file) {
        const auto place = read_place(entry.key);
        const auto what = place ? to_message(*place) : std::string("this place");
        std::vector<model::ApplicationName> names;
        if (expect_list(entry.value, what, list_example(entry), problems_)) names = read_names(entry.value, what, file);
        if (!place) return;
        if (const auto* first = places_.claim(*place, what, problems_.location(entry.key.position))) {
            problems_.add(entry.key.position,
                          fmt::format("{} is here twice, first at {}, put its applications in one list", what,
                                      to_text(first->location)));
            return;
        }
        file.place_positions.emplace(*place, problems_.location(entry.key.position));
        file.places.emplace(*place, std::move(names));
    }

private:
    static std::string list_example(const Entry& entry) {
        if (entry.key.is_scalar() && entry.key.text == datacenter_key) {
            return "\"datacenter: NAME\": [APPLICATION, ...] if a data center is meant";
        }
        const bool one = entry.value.is_scalar() && is_name(entry.value.text);
        return one ? fmt::format("[{}]", entry.value.text) : "[APPLICATION, ...], or [] for none";
    }

    std::optional<model::Place> read_place(const Value& key) {
        if (key.kind == Value::Kind::map) {
            const auto* name = key.find(datacenter_key);
            if (key.entries.size() == 1 && name != nullptr) {
                const auto text = expect_text(*name, "a data center's name", problems_);
                return text ? datacenter(*text, name->position) : std::nullopt;
            }
            problems_.add(key.position, "a place must be a node or a data center, write \"datacenter: NAME\"");
            return std::nullopt;
        }
        const auto text = expect_text(key, "a node's name", problems_);
        if (!text) return std::nullopt;
        const auto colon = text->find(':');
        if (std::string_view(*text).substr(0, colon) == datacenter_key && colon != std::string::npos) {
            const auto name = std::min(text->find_first_not_of(" \t", colon + 1), text->size());
            return datacenter(text->substr(name), key.position);
        }
        if (parse_ipv4(*text) || is_hostname(*text)) return model::NodeReference{*text};
        problems_.add(key.position, fmt::format("{} is not a node, write its name, hostname or IPv4 address, or "
                                                "\"datacenter: NAME\"",
                                                shown(*text)));
        return std::nullopt;
    }

    std::optional<model::Place> datacenter(const std::string& name, Position position) {
        if (is_name(name)) return model::DatacenterName{name};
        problems_.add(position,
                      fmt::format("data center {}: this is not a name, begin with a letter or digit, go on with "
                                  "letters, digits, '_', '.' and '-'",
                                  shown(name)));
        return std::nullopt;
    }

    std::vector<model::ApplicationName> read_names(const Value& list, const std::string& place, DeploymentFile& file) {
        std::vector<model::ApplicationName> names;
        for (const auto& item : list.items) {
            const auto text = expect_text(item, fmt::format("{}: an application's name", place), problems_);
            if (!text) continue;
            if (applications_.names_known && !applications_.names.contains(*text)) {
                unknown(*text, place, item.position);
                continue;
            }
            model::ApplicationName name{*text};
            if (const auto* first = placed_.claim(name, place, problems_.location(item.position))) {
                const auto advice = first->owner == place ? "list it once" : "it runs in one place, keep one of them";
                problems_.add(item.position, fmt::format("{}: application {} is already on {} at {}, {}", place,
                                                         shown(*text), first->owner, to_text(first->location), advice));
                continue;
            }
            file.placements.emplace(name, problems_.location(item.position));
            names.push_back(std::move(name));
        }
        return names;
    }

    void unknown(const std::string& name, const std::string& place, Position position) {
        if (problems_.full()) return;
        const auto near = nearest(name, candidates_);
        problems_.add(position,
                      fmt::format("{}: application {} is not in the application manifest, {}", place, shown(name),
                                  near ? fmt::format("did you mean {}?", shown(*near))
                                       : std::string("add it there or take it out here")));
    }

    const ApplicationFile& applications_;
    Problems& problems_;
    std::vector<std::string_view> candidates_;
    Claims<model::Place> places_;
    Claims<model::ApplicationName> placed_;
};

/// `replicas`: which nodes keep the replicas of an application's volume.
class ReplicaReader {
public:
    ReplicaReader(const ApplicationFile& applications, Problems& problems, DeploymentFile& file)
        : applications_(applications), problems_(problems), file_(file) {}

    void read(const Entry& entry) {
        const auto text = expect_text(entry.key, "replicas: an application's name", problems_);
        if (!text) return;
        const model::ApplicationName name{*text};
        const std::string what = fmt::format("replicas of {}", shown(*text));
        if (!is_placed(name, what, entry.key.position)) return;
        if (!expect_list(entry.value, what, "[NODE, ...], or [] for none", problems_)) return;
        auto nodes = read_nodes(name, what, entry.value);
        if (nodes.size() == entry.value.items.size()) check_volume(name, what, nodes.size(), entry);
        file_.replicas.emplace(name, std::move(nodes));
    }

private:
    bool is_placed(const model::ApplicationName& name, const std::string& what, Position position) {
        if (applications_.names_known && !applications_.names.contains(name.value)) {
            const std::vector<std::string_view> candidates(applications_.names.begin(), applications_.names.end());
            const auto near = nearest(name.value, candidates);
            problems_.add(position, fmt::format("{}: the application is not in the application manifest, {}", what,
                                                near ? fmt::format("did you mean {}?", shown(*near))
                                                     : std::string("add it there or take it out here")));
            return false;
        }
        if (!file_.placements.contains(name)) {
            problems_.add(position, fmt::format("{}: the application is on no node here, list it under nodes", what));
            return false;
        }
        return true;
    }

    std::vector<model::NodeReference> read_nodes(const model::ApplicationName& name, const std::string& what, const Value& list) {
        std::vector<model::NodeReference> nodes;
        for (const auto& item : list.items) {
            const auto text = expect_text(item, fmt::format("{}: a node's name", what), problems_);
            if (!text) continue;
            const model::NodeReference node{*text};
            if (!parse_ipv4(*text) && !is_hostname(*text)) {
                problems_.add(item.position, fmt::format("{}: {} is not a node, write its name, hostname or IPv4 address",
                                                         what, shown(*text)));
            } else if (runs_on(name, node)) {
                problems_.add(item.position, fmt::format("{}: it runs on {} itself, name another node", what, shown(*text)));
            } else if (const auto [at, fresh] = file_.replica_positions.emplace(std::pair(name, node),
                                                                                problems_.location(item.position));
                       !fresh) {
                problems_.add(item.position, fmt::format("{}: node {} is already at {}, name it once", what, shown(*text),
                                                         to_text(at->second)));
            } else {
                nodes.push_back(node);
            }
        }
        return nodes;
    }

    [[nodiscard]] bool runs_on(const model::ApplicationName& name, const model::NodeReference& node) const {
        const auto place = file_.places.find(node);
        return place != file_.places.end() && std::ranges::find(place->second, name) != place->second.end();
    }

    void check_volume(const model::ApplicationName& name, const std::string& what, std::size_t count, const Entry& entry) {
        const auto application = std::ranges::find(applications_.applications, name, &model::Application::name);
        if (application == applications_.applications.end()) return;
        if (!application->volume) {
            problems_.add(entry.key.position, fmt::format("{}: it has no volume, take it out here or give it one", what));
        } else if (const auto& wished = application->volume->replicas; wished && *wished != count) {
            problems_.add(entry.value.position,
                          fmt::format("{}: {} named and volume.replicas is {}, make them equal or leave that out", what,
                                      count == 1 ? "1 node is" : fmt::format("{} nodes are", count), *wished));
        } else if (count > limits::replicas) {
            problems_.add(entry.value.position, fmt::format("{}: at most {} nodes", what, limits::replicas));
        }
    }

    const ApplicationFile& applications_;
    Problems& problems_;
    DeploymentFile& file_;
};

}  // namespace

DeploymentFile read_deployment_file(const Value& root, const ApplicationFile& applications, Problems& problems) {
    DeploymentFile file;
    if (!expect_map(root, "a deployment manifest", file_example, problems)) return file;
    if (const auto* found = root.find_entry("applications"); found != nullptr && root.find("nodes") == nullptr) {
        problems.add(found->key.position,
                     "this is an application manifest where a deployment manifest is expected, "
                     "name the deployment manifest first and the application manifest second");
        return file;
    }
    const Fields fields(root, "deployment manifest", {"version", "nodes", "replicas"}, problems);
    expect_version(fields, problems);
    const auto* nodes = fields.need("nodes", "nodes: {NODE: [APPLICATION]}");
    if (nodes == nullptr || !expect_map(*nodes, fields.name_of("nodes"), "{NODE: [APPLICATION]}", problems))
        return file;
    PlaceReader reader(applications, problems);
    for (const auto& entry : nodes->entries) reader.read(entry, file);
    const auto* replicas = fields.find("replicas");
    if (replicas == nullptr || !expect_map(*replicas, fields.name_of("replicas"), "{APPLICATION: [NODE]}", problems)) return file;
    ReplicaReader replica_reader(applications, problems, file);
    for (const auto& entry : replicas->entries) replica_reader.read(entry);
    return file;
}

}  // namespace flocker::manifest
