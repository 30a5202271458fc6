// SPDX-License-Identifier: Apache-2.0
#include "adapters/docker/messages.hpp"

#include <boost/json.hpp>
#include <charconv>
#include <chrono>

#include "adapters/docker/gates.hpp"
#include "adapters/http/message.hpp"
#include "model/names.hpp"

namespace flocker::docker {
namespace {

namespace json = boost::json;
namespace names = model::names;

constexpr const char* label_incarnation = "io.flocker.incarnation";
constexpr const char* label_gate = "io.flocker.gate";
constexpr const char* label_network = "io.flocker.network";
/// Negative is "for ever" to the engine; nothing is waited for longer than this.
constexpr std::chrono::seconds grace_max = std::chrono::hours(1);

/// What stands at a path of keys; nullptr: nothing.
const json::value* find(const json::value& from, std::initializer_list<std::string_view> path) {
    const json::value* at = &from;
    for (const std::string_view key : path) {
        const json::object* object = at->if_object();
        at = object == nullptr ? nullptr : object->if_contains(key);
        if (at == nullptr) return nullptr;
    }
    return at;
}

std::string text_at(const json::value& from, std::initializer_list<std::string_view> path) {
    const json::value* found = find(from, path);
    const json::string* text = found == nullptr ? nullptr : found->if_string();
    return text == nullptr ? std::string{} : std::string(text->data(), text->size());
}

std::int64_t number_at(const json::value& from, std::initializer_list<std::string_view> path) {
    const json::value* found = find(from, path);
    const std::int64_t* number = found == nullptr ? nullptr : found->if_int64();
    return number == nullptr ? 0 : *number;
}

bool flag_at(const json::value& from, std::initializer_list<std::string_view> path) {
    const json::value* found = find(from, path);
    const bool* flag = found == nullptr ? nullptr : found->if_bool();
    return flag != nullptr && *flag;
}

std::vector<std::string> texts_at(const json::value& from, std::initializer_list<std::string_view> path) {
    std::vector<std::string> texts;
    const json::value* found = find(from, path);
    const json::array* array = found == nullptr ? nullptr : found->if_array();
    if (array == nullptr) return texts;
    for (const json::value& item : *array) {
        if (const json::string* text = item.if_string()) texts.emplace_back(text->data(), text->size());
    }
    return texts;
}

Result<json::value> parse(const std::string& text) {
    json::error_code error;
    json::value value = json::parse(text, error);
    if (error) return fail(ErrorCode::unavailable, "docker's answer is not JSON: " + error.message());
    return value;
}

Result<json::array> parse_array(const std::string& text) {
    FLOCKER_TRY(json::value value, parse(text));
    if (!value.is_array()) return fail(ErrorCode::unavailable, "docker's answer is not a list");
    return std::move(value.get_array());
}

int number(std::string_view text) {
    int value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

/// "2026-11-22T10:05:45.051235039Z"; the year 1, which stands for never, and what is not a time: 0.
Instant parse_instant(const std::string& text) {
    if (text.size() < 20 || text.back() != 'Z') return {};
    const std::string_view view(text);
    using namespace std::chrono;
    const year_month_day date{year{number(view.substr(0, 4))}, month{static_cast<unsigned>(number(view.substr(5, 2)))},
                              day{static_cast<unsigned>(number(view.substr(8, 2)))}};
    if (!date.ok() || date.year() < year{1970}) return {};
    std::string fraction = text[19] == '.' ? text.substr(20, text.size() - 21) : std::string{};
    fraction.resize(9, '0');
    const auto at = sys_days(date).time_since_epoch() + hours(number(view.substr(11, 2))) +
                    minutes(number(view.substr(14, 2))) + seconds(number(view.substr(17, 2))) +
                    nanoseconds(number(fraction));
    return {duration_cast<Duration>(at).count()};
}

model::ContainerSeen::Status status_of(const std::string& status) {
    using Status = model::ContainerSeen::Status;
    if (status == "created") return Status::created;
    // One that is paused has processes, which is what counts.
    if (status == "running" || status == "paused" || status == "restarting") return Status::running;
    return Status::exited;
}

std::optional<HealthCheck> health_of(const json::value& container) {
    std::vector<std::string> test = texts_at(container, {"Config", "Healthcheck", "Test"});
    if (test.size() < 2) return std::nullopt;
    HealthCheck check;
    if (test[0] == "CMD") {
        check.command.assign(test.begin() + 1, test.end());
    } else if (test[0] == "CMD-SHELL") {
        check.command = texts_at(container, {"Config", "Shell"});
        if (check.command.empty()) check.command = {"/bin/sh", "-c"};
        check.command.push_back(test[1]);
    } else {
        return std::nullopt;
    }
    const std::int64_t limit_ns = number_at(container, {"Config", "Healthcheck", "Timeout"});
    if (limit_ns > 0) check.limit = Duration{limit_ns};
    return check;
}

json::array to_array(const std::vector<std::string>& texts) {
    json::array array;
    for (const std::string& text : texts) array.emplace_back(text);
    return array;
}

/// Ours: the one bind mount beside the gate's.
std::optional<VolumeBind> volume_of(const json::value& container) {
    const json::value* mounts = find(container, {"HostConfig", "Mounts"});
    if (mounts == nullptr || !mounts->is_array()) return std::nullopt;
    for (const json::value& mount : mounts->get_array()) {
        VolumeBind bind{text_at(mount, {"Source"}), text_at(mount, {"Target"})};
        if (text_at(mount, {"Type"}) == "bind" && bind.mountpoint != gate_folder_inside) return bind;
    }
    return std::nullopt;
}

/// The engine forgets the image's command when it is given an entrypoint.
void put_before_command(json::object& body, const Gate& gate) {
    json::array entrypoint{gate_inside};
    for (const std::string& word : gate.image.entrypoint) entrypoint.emplace_back(word);
    body["Entrypoint"] = std::move(entrypoint);
    const json::value* own = body.if_contains("Cmd");
    if ((own == nullptr || own->get_array().empty()) && !gate.image.command.empty()) {
        body["Cmd"] = to_array(gate.image.command);
    }
    body["Labels"].get_object()[label_gate] = gate_inside;
}

std::string without_slash(std::string name) {
    if (name.starts_with('/')) name.erase(0, 1);
    return name;
}

}  // namespace

bool Inspected::is_ours() const {
    return !seen.application.value.empty() && name == names::container(seen.application);
}

Result<Inspected> parse_container(const std::string& text) {
    FLOCKER_TRY(const json::value value, parse(text));
    Inspected inspected;
    inspected.name = without_slash(text_at(value, {"Name"}));
    inspected.running = flag_at(value, {"State", "Running"});
    inspected.pid = static_cast<int>(number_at(value, {"State", "Pid"}));
    inspected.tty = flag_at(value, {"Config", "Tty"});
    if (std::string signal = text_at(value, {"Config", "StopSignal"}); !signal.empty()) inspected.stop_signal = signal;
    if (const json::value* seconds = find(value, {"Config", "StopTimeout"});
        seconds != nullptr && seconds->is_int64()) {
        const std::int64_t grace_s = seconds->get_int64();
        inspected.grace = grace_s < 0 || grace_s > grace_max.count() ? grace_max : std::chrono::seconds(grace_s);
    }
    inspected.health = health_of(value);
    inspected.paused = flag_at(value, {"State", "Paused"});
    inspected.gated = !text_at(value, {"Config", "Labels", label_gate}).empty();
    inspected.volume = volume_of(value);

    model::ContainerSeen& seen = inspected.seen;
    seen.application.value = text_at(value, {"Config", "Labels", names::label_application});
    seen.fingerprint = text_at(value, {"Config", "Labels", names::label_fingerprint});
    seen.container = text_at(value, {"Id"});
    seen.status = status_of(text_at(value, {"State", "Status"}));
    seen.address = text_at(value, {"NetworkSettings", "Networks", names::network, "IPAddress"});
    if (seen.address.empty()) {
        seen.address = text_at(value, {"NetworkSettings", "Networks", names::network, "IPAMConfig", "IPv4Address"});
    }
    seen.started = parse_instant(text_at(value, {"State", "StartedAt"}));
    if (seen.status == model::ContainerSeen::Status::exited) {
        seen.exit_code = static_cast<int>(number_at(value, {"State", "ExitCode"}));
        seen.finished = parse_instant(text_at(value, {"State", "FinishedAt"}));
    }
    return inspected;
}

Result<std::vector<std::string>> parse_container_list(const std::string& text) {
    FLOCKER_TRY(const json::array list, parse_array(text));
    std::vector<std::string> ids;
    for (const json::value& item : list) {
        const std::string ours =
            names::container(model::ApplicationName(text_at(item, {"Labels", names::label_application})));
        for (const std::string& name : texts_at(item, {"Names"})) {
            if (without_slash(name) == ours) ids.push_back(text_at(item, {"Id"}));
        }
    }
    return ids;
}

Result<std::vector<model::TakenPort>> parse_published(const std::string& text) {
    FLOCKER_TRY(const json::array list, parse_array(text));
    std::set<model::TakenPort> published;
    for (const json::value& item : list) {
        const json::value* ports = find(item, {"Ports"});
        const std::vector<std::string> container_names = texts_at(item, {"Names"});
        if (ports == nullptr || !ports->is_array() || container_names.empty()) continue;
        for (const json::value& port : ports->get_array()) {
            const std::int64_t external = number_at(port, {"PublicPort"});
            const std::string protocol = text_at(port, {"Type"});
            if (external <= 0 || external > UINT16_MAX || (protocol != "tcp" && protocol != "udp")) continue;
            published.insert({static_cast<std::uint16_t>(external),
                              protocol == "udp" ? model::Protocol::udp : model::Protocol::tcp,
                              "container " + without_slash(container_names.front())});
        }
    }
    return std::vector(published.begin(), published.end());
}

Result<std::set<std::string>> parse_image_list(const std::string& text) {
    FLOCKER_TRY(const json::array list, parse_array(text));
    std::set<std::string> images;
    for (const json::value& item : list) {
        for (std::string& tag : texts_at(item, {"RepoTags"})) {
            if (tag != "<none>:<none>") images.insert(std::move(tag));
        }
    }
    return images;
}

Result<ImageCommand> parse_image_command(const std::string& text) {
    FLOCKER_TRY(const json::value value, parse(text));
    return ImageCommand{texts_at(value, {"Config", "Entrypoint"}), texts_at(value, {"Config", "Cmd"})};
}

std::string container_body(const model::ContainerSpec& spec, const std::optional<Gate>& gate) {
    const model::Application& application = spec.application;
    json::array environment;
    for (const auto& [name, value] : model::container_environment(spec)) environment.emplace_back(name + "=" + value);

    json::object host{{"NetworkMode", names::network},
                      {"RestartPolicy", {{"Name", "no"}}},
                      {"LogConfig", {{"Type", "json-file"}, {"Config", {{"max-size", "50m"}, {"max-file", "3"}}}}}};
    if (application.mem_limit) host["Memory"] = application.mem_limit->value;
    if (application.cpu_shares) host["CpuShares"] = *application.cpu_shares;
    json::array mounts;
    if (application.volume && !spec.volume_source.empty()) {
        mounts.push_back({{"Type", "bind"},
                          {"Source", spec.volume_source},
                          {"Target", application.volume->mountpoint},
                          {"BindOptions", {{"Propagation", "rslave"}}}});
    }
    if (gate) {
        mounts.push_back({{"Type", "bind"},
                          {"Source", gate->folder},
                          {"Target", gate_folder_inside},
                          {"ReadOnly", true},
                          {"BindOptions", {{"Propagation", "rprivate"}}}});
    }
    if (!mounts.empty()) host["Mounts"] = std::move(mounts);

    json::object body{{"Image", application.image},
                      // Some systems keep their data under the host's name (RabbitMQ): it has to move with them.
                      {"Hostname", application.name.value},
                      {"Env", std::move(environment)},
                      {"Labels",
                       {{names::label_application, application.name.value},
                        {names::label_fingerprint, model::fingerprint(spec)},
                        {label_incarnation, std::to_string(spec.incarnation)}}},
                      {"HostConfig", std::move(host)},
                      {"NetworkingConfig",
                       {{"EndpointsConfig", {{names::network, {{"IPAMConfig", {{"IPv4Address", spec.address}}}}}}}}}};
    if (application.command) body["Cmd"] = to_array(*application.command);
    // One that has nothing to run is refused by the engine, which says it better.
    const bool runs = (application.command && !application.command->empty()) ||
                      (gate && !(gate->image.entrypoint.empty() && gate->image.command.empty()));
    if (gate && runs) put_before_command(body, *gate);
    return json::serialize(body);
}

std::string network_body(const std::string& subnet) {
    const json::object body{{"Name", names::network},
                            {"CheckDuplicate", true},
                            {"Driver", "bridge"},
                            {"IPAM", {{"Driver", "default"}, {"Config", json::array{{{"Subnet", subnet}}}}}},
                            {"Options",
                             {{"com.docker.network.bridge.name", names::bridge},
                              {"com.docker.network.bridge.enable_ip_masquerade", "true"}}},
                            {"Labels", {{label_network, names::network}}}};
    return json::serialize(body);
}

Result<NetworkSeen> parse_network(const std::string& text) {
    FLOCKER_TRY(const json::value value, parse(text));
    NetworkSeen seen;
    seen.driver = text_at(value, {"Driver"});
    seen.bridge = text_at(value, {"Options", "com.docker.network.bridge.name"});
    seen.ours = !text_at(value, {"Labels", label_network}).empty();
    const json::value* config = find(value, {"IPAM", "Config"});
    if (config != nullptr && config->is_array() && !config->get_array().empty()) {
        seen.subnet = text_at(config->get_array().front(), {"Subnet"});
    }
    return seen;
}

std::string exec_body(const std::vector<std::string>& command) {
    return json::serialize(json::object{{"AttachStdout", true}, {"AttachStderr", true}, {"Cmd", to_array(command)}});
}

Result<std::string> parse_exec_id(const std::string& text) {
    FLOCKER_TRY(const json::value value, parse(text));
    return text_at(value, {"Id"});
}

Result<std::optional<int>> parse_exec_code(const std::string& text) {
    FLOCKER_TRY(const json::value value, parse(text));
    const json::value* code = find(value, {"ExitCode"});
    if (flag_at(value, {"Running"}) || code == nullptr || !code->is_int64()) return std::nullopt;
    return static_cast<int>(code->get_int64());
}

std::string our_containers_filter(const std::vector<std::string>& events) {
    json::object filters{{"label", json::array{names::label_application}}};
    if (!events.empty()) {
        filters["type"] = json::array{"container"};
        filters["event"] = to_array(events);
    }
    return http::percent_encode(json::serialize(filters));
}

std::string message_of(const std::string& body) {
    json::error_code error;
    const json::value value = json::parse(body, error);
    std::string message = error ? std::string{} : text_at(value, {"message"});
    if (message.empty()) message = body.substr(0, 500);
    while (!message.empty() && (message.back() == '\n' || message.back() == '.')) message.pop_back();
    return message.empty() ? "docker gives no reason" : message;
}

std::string progress_error(std::string_view progress) {
    std::string reason;
    while (!progress.empty()) {
        json::stream_parser parser;
        json::error_code error;
        const std::size_t used = parser.write_some(progress.data(), progress.size(), error);
        if (error || !parser.done()) break;
        if (std::string found = text_at(parser.release(), {"error"}); !found.empty()) reason = std::move(found);
        progress.remove_prefix(used);
        while (!progress.empty() && static_cast<unsigned char>(progress.front()) <= ' ') progress.remove_prefix(1);
    }
    return reason;
}

std::string image_in_path(const std::string& image) {
    std::string path;
    std::size_t begin = 0;
    while (true) {
        const std::size_t slash = image.find('/', begin);
        path += http::percent_encode(std::string_view(image).substr(begin, slash - begin));
        if (slash == std::string::npos) return path;
        path += '/';
        begin = slash + 1;
    }
}

}  // namespace flocker::docker
