// SPDX-License-Identifier: Apache-2.0
#include "manifest/application_file.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "manifest/application_fields.hpp"
#include "manifest/dataset_id.hpp"
#include "manifest/expect.hpp"
#include "manifest/image_reference.hpp"
#include "manifest/limits.hpp"
#include "manifest/text.hpp"

namespace flocker::manifest {
namespace {

constexpr Range cpu_shares_range{2, 262144};
constexpr const char* file_example = "version: 1 and applications: {NAME: {image: ...}}";

/// Reports a file that is of another kind as a whole; one message is enough then.
bool refuse_foreign_file(const Value& root, Problems& problems) {
    for (const auto& entry : root.entries) {
        const bool compose = entry.key.text == "services";
        const bool fig = root.find("applications") == nullptr && entry.value.kind == Value::Kind::map &&
                         (entry.value.find("image") != nullptr || entry.value.find("build") != nullptr);
        if (!compose && !fig) continue;
        problems.add(entry.key.position, fmt::format("this looks like a {} file, which can't be read yet, write {}",
                                                     compose ? "Compose" : "Fig (Compose version 1)", file_example));
        return true;
    }
    if (const auto* nodes = root.find_entry("nodes"); nodes != nullptr && root.find("applications") == nullptr) {
        problems.add(nodes->key.position,
                     "this is a deployment manifest where an application manifest is expected, "
                     "name the deployment manifest first and the application manifest second");
        return true;
    }
    return false;
}

class ApplicationReader {
public:
    explicit ApplicationReader(Problems& problems) : problems_(problems) {}

    /// Its `name` is empty if its key is no name.
    void read(const Entry& entry, ApplicationFile& file) {
        const auto name = expect_text(entry.key, "an application's name", problems_);
        if (!name) return;
        if (!is_name(*name)) {
            problems_.add(entry.key.position,
                          fmt::format("application {}: this is not a name, begin with a letter or digit, go on with "
                                      "letters, digits, '_', '.' and '-', at most {}",
                                      shown(*name), limits::name_bytes));
        }
        file.names.insert(*name);
        const auto owner = fmt::format("application {}", shown(*name));
        if (!expect_map(entry.value, owner, "{image: ...}", problems_)) return;

        model::Application application;
        application.name = model::ApplicationName{*name};
        ApplicationPositions positions;
        positions.name = problems_.location(entry.key.position);
        read_fields(entry.value, owner, application, positions);
        file.positions.emplace(application.name, std::move(positions));
        file.applications.push_back(std::move(application));
    }

private:
    void read_fields(const Value& map, const std::string& owner, model::Application& application,
                     ApplicationPositions& positions) {
        const Fields fields(map, owner,
                            {"image", "ports", "links", "volume", "environment", "command", "restart_policy",
                             "mem_limit", "cpu_shares", "gate", "hooks", "cutover", "failover"},
                            problems_);
        if (const auto* image = fields.need("image", "image: repository:tag")) {
            positions.image = problems_.location(image->position);
            read_image(*image, fields.name_of("image"), application);
        }
        if (const auto* ports = fields.find("ports")) {
            claim_ports(read_ports(*ports, fields.name_of("ports"), problems_), owner, application, positions);
        }
        if (const auto* links = fields.find("links")) {
            application.links = read_links(*links, fields.name_of("links"), problems_);
        }
        if (const auto* volume = fields.find("volume")) {
            positions.volume = problems_.location(volume->position);
            application.volume = read_volume(*volume, fields.name_of("volume"), problems_);
            claim_dataset(*volume, owner, application);
        }
        if (const auto* environment = fields.find("environment")) {
            application.environment = read_environment(*environment, fields.name_of("environment"), problems_);
        }
        if (const auto* command = fields.find("command")) {
            application.command = read_command(*command, fields.name_of("command"), problems_);
        }
        if (const auto* policy = fields.find("restart_policy")) {
            application.restart_policy = read_restart_policy(*policy, fields.name_of("restart_policy"), problems_);
        }
        if (const auto* limit = fields.find("mem_limit")) {
            application.mem_limit = read_mem_limit(*limit, fields.name_of("mem_limit"), problems_);
        }
        if (const auto* shares = fields.find("cpu_shares")) {
            const auto number = expect_number(*shares, fields.name_of("cpu_shares"), cpu_shares_range, problems_);
            if (number) application.cpu_shares = static_cast<std::uint32_t>(*number);
        }
        if (const auto* gate = fields.find("gate")) {
            application.gate = expect_truth_value(*gate, fields.name_of("gate"), problems_).value_or(true);
        }
        if (const auto* hooks = fields.find("hooks")) {
            application.before_move = read_hooks(*hooks, fields.name_of("hooks"), problems_);
        }
        if (const auto* cutover = fields.find("cutover")) {
            application.cutover = read_cutover(*cutover, fields.name_of("cutover"), problems_);
        }
        if (const auto* failover = fields.find("failover")) {
            application.failover = read_failover(*failover, fields.name_of("failover"), problems_);
        }
    }

    void read_image(const Value& value, const std::string& what, model::Application& application) {
        const auto text = expect_text(value, what, problems_);
        if (!text) return;
        auto image = parse_image_reference(*text);
        if (image) {
            application.image = *std::move(image);
        } else {
            problems_.add(value.position, fmt::format("{}: {}", what, image.error().message));
        }
    }

    void claim_ports(const std::vector<PortPosition>& ports, const std::string& owner, model::Application& application,
                     ApplicationPositions& positions) {
        for (const auto& [port, position] : ports) {
            auto location = problems_.location(position);
            if (const auto* first = ports_.claim(external_of(port), owner, location)) {
                const auto whose =
                    first->owner == owner ? std::string("here twice, first") : fmt::format("taken by {}", first->owner);
                problems_.add(position, fmt::format("{}: external port {} is {} at {}, choose another", owner,
                                                    to_text(external_of(port)), whose, to_text(first->location)));
                continue;
            }
            positions.external_ports.emplace(external_of(port), std::move(location));
            application.ports.push_back(port);
        }
        std::sort(application.ports.begin(), application.ports.end());
    }

    void claim_dataset(const Value& volume, const std::string& owner, model::Application& application) {
        auto& dataset = application.volume->dataset;
        const auto* written = volume.find("dataset_id");
        if (written == nullptr) dataset = default_dataset_id(application.name);
        if (dataset.value.empty()) return;
        const auto position = written == nullptr ? volume.position : written->position;
        if (const auto* first = datasets_.claim(dataset.value, owner, problems_.location(position))) {
            problems_.add(position,
                          fmt::format("{}: dataset {} is that of {} at {}, give each volume its own dataset_id", owner,
                                      dataset.value, first->owner, to_text(first->location)));
        }
    }

    Problems& problems_;
    Claims<model::ExternalPort> ports_;
    Claims<std::string> datasets_;
};

}  // namespace

bool is_name(std::string_view text) {
    return !text.empty() && text.size() <= limits::name_bytes && is_alphanumeric(text.front()) &&
           std::all_of(text.begin(), text.end(),
                       [](char c) { return is_alphanumeric(c) || c == '_' || c == '.' || c == '-'; });
}

ApplicationFile read_application_file(const Value& root, Problems& problems) {
    ApplicationFile file;
    if (!expect_map(root, "an application manifest", file_example, problems)) return file;
    if (refuse_foreign_file(root, problems)) return file;
    const Fields fields(root, "application manifest", {"version", "applications"}, problems);
    expect_version(fields, problems);
    const auto* applications = fields.need("applications", "applications: {NAME: {image: ...}}");
    if (applications == nullptr ||
        !expect_map(*applications, fields.name_of("applications"), "{NAME: {image: ...}}", problems)) {
        return file;
    }
    if (applications->entries.size() > limits::applications) {
        problems.add(applications->position,
                     fmt::format("{}: {} applications, at most {} fit in one manifest", fields.name_of("applications"),
                                 applications->entries.size(), limits::applications));
        return file;
    }
    file.names_known = true;
    ApplicationReader reader(problems);
    for (const auto& entry : applications->entries) reader.read(entry, file);
    return file;
}

}  // namespace flocker::manifest
