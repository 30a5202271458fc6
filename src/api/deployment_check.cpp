// SPDX-License-Identifier: Apache-2.0
#include "api/deployment_check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "api/settings.hpp"

namespace flocker::api {
namespace {

using namespace model;
using plan::Refusal;
using About = plan::Refusal::About;

constexpr std::size_t applications_max = 1000;
constexpr std::size_t places_max = 1000;
constexpr std::size_t name_max = 63;
constexpr std::size_t image_max = 512;
constexpr std::size_t path_max = 4095;
constexpr std::size_t text_max = std::size_t{128} << 10U;
constexpr std::size_t list_max = 1000;

bool is_letter_or_digit(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool is_name(const std::string& text) {
    return !text.empty() && text.size() <= name_max && is_letter_or_digit(text.front()) &&
           std::ranges::all_of(text, [](char c) { return is_letter_or_digit(c) || c == '_' || c == '.' || c == '-'; });
}

bool is_alias(const std::string& text) {
    return !text.empty() && text.size() <= name_max &&
           std::ranges::all_of(text, [](char c) { return is_letter_or_digit(c) || c == '_' || c == '-'; });
}

bool has_control_characters(const std::string& text) {
    return std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

bool is_image(const std::string& text) {
    const auto slash = text.rfind('/');
    const auto tag = text.rfind(':');
    const bool tagged =
        tag != std::string::npos && tag > 0 && tag + 1 < text.size() && (slash == std::string::npos || tag > slash);
    return tagged && text.size() <= image_max && is_letter_or_digit(text.front()) &&
           std::ranges::all_of(text, [](char c) {
               return is_letter_or_digit(c) || std::string_view("._-/:@").find(c) != std::string_view::npos;
           });
}

bool is_mountpoint(const std::string& path) {
    if (!path.starts_with('/') || path.size() < 2 || path.size() > path_max || has_control_characters(path))
        return false;
    return (path + "/").find("/../") == std::string::npos;
}

bool are_words(const std::vector<std::string>& command) {
    return command.size() <= list_max && std::ranges::all_of(command, [](const std::string& word) {
               return word.size() <= text_max && word.find('\0') == std::string::npos;
           });
}

class DeploymentCheck {
public:
    explicit DeploymentCheck(const Deployment& deployment) : deployment_(deployment) {}

    std::vector<Refusal> run() {
        if (deployment_.applications.size() > applications_max || deployment_.places.size() > places_max) {
            refuse(About::deployment, "",
                   fmt::format("more than {} applications or {} places", applications_max, places_max));
            return std::move(refusals_);
        }
        for (const Application& application : deployment_.applications) check(application);
        for (const auto& [place, names] : deployment_.places) check(place, names);
        for (const auto& [application, nodes] : deployment_.replicas) check_replicas(application, nodes);
        return std::move(refusals_);
    }

private:
    void refuse(About about, std::string name, std::string message, const ExternalPort& port = {}) {
        refusals_.push_back({about, std::move(name), port, std::move(message)});
    }

    void check(const Application& application) {
        const std::string& name = application.name.value;
        const auto wrong = [&](std::string message) {
            refuse(About::application, name.substr(0, name_max), std::move(message));
        };
        if (!is_name(name)) {
            return wrong(
                "an application's name has letters, digits, '_', '.' and '-', begins with a letter or digit, and is at "
                "most 63 long");
        }
        if (!names_.insert(application.name).second) return wrong("the application is there twice");
        if (!is_image(application.image)) refuse(About::image, name, "the image must be written as repository:tag");
        check_ports(application);
        if (application.links.size() > list_max) wrong("too many links");
        for (const Link& link : application.links) {
            if (!is_alias(link.alias)) wrong("a link's alias has letters, digits, '_' and '-', at most 63");
        }
        if (application.volume) check_volume(name, *application.volume);
        if (application.environment.size() > list_max) wrong("too many environment variables");
        for (const auto& [variable, value] : application.environment) {
            const bool named =
                !variable.empty() && variable.find('=') == std::string::npos && !has_control_characters(variable);
            if (!named) wrong("an environment variable's name is not empty and has no '=' and no control characters");
            if (variable.size() + value.size() > text_max || value.find('\0') != std::string::npos) {
                wrong("an environment variable is too long, or has a NUL character");
            }
        }
        if (application.restart_policy.maximum_retry_count &&
            application.restart_policy.name != RestartPolicy::Name::on_failure) {
            wrong("maximum_retry_count is for the restart policy on-failure");
        }
        if (application.command && (application.command->empty() || !are_words(*application.command))) {
            wrong("a command has from 1 to 1000 words, none too long or with a NUL character");
        }
        if (application.before_move && !are_words(*application.before_move)) {
            wrong("a hook has at most 1000 words, none too long or with a NUL character");
        }
    }

    void check_ports(const Application& application) {
        std::set<std::pair<std::uint16_t, Protocol>> internal;
        if (application.ports.size() > list_max) refuse(About::application, application.name.value, "too many ports");
        for (const Port& port : application.ports) {
            if (port.internal == 0 || port.external == 0) {
                refuse(About::port, application.name.value, "a port is a number from 1 to 65535", external_of(port));
            }
            if (!internal.emplace(port.internal, port.protocol).second) {
                refuse(About::port, application.name.value,
                       fmt::format("internal port {} is there twice", to_text(ExternalPort(port.internal, port.protocol))),
                       external_of(port));
            }
            const auto [taken, fresh] = external_.emplace(external_of(port), application.name);
            if (!fresh) {
                refuse(About::port, application.name.value,
                       fmt::format("external port {} is taken by application {}", to_text(external_of(port)),
                                   taken->second.value),
                       external_of(port));
            }
        }
    }

    void check_volume(const std::string& name, const Volume& volume) {
        if (!is_uuid(volume.dataset.value)) refuse(About::application, name, "a dataset's id is a UUID in lower case");
        if (!is_mountpoint(volume.mountpoint)) {
            refuse(About::application, name, "a mountpoint is an absolute path without \"..\", and not \"/\"");
        }
        if (volume.replicas && *volume.replicas > replicas_max) {
            refuse(About::application, name, fmt::format("a volume has from 0 to {} replicas", replicas_max));
        }
        if (volume.lag && (*volume.lag < lag_min || *volume.lag > lag_max)) {
            refuse(About::application, name, "a volume's lag is from 500ms to 1h");
        }
        if (const std::string problem = problem_of(volume.bandwidth.value_or(Bandwidth{})); !problem.empty()) {
            refuse(About::application, name, problem);
        }
        const auto [taken, fresh] = datasets_.emplace(volume.dataset, name);
        if (!fresh) {
            refuse(About::application, name,
                   fmt::format("dataset {} is taken by application {}", volume.dataset.value, taken->second));
        }
    }

    void check(const Place& place, const std::vector<ApplicationName>& names) {
        const std::string text = to_text(place);
        if (text.empty() || text.size() > 2 * name_max + 253 || has_control_characters(text)) {
            refuse(About::deployment, "", "a place is a node's name, hostname or address, or a data center's name");
            return;
        }
        for (const ApplicationName& name : names) {
            if (!names_.contains(name)) {
                refuse(About::place, text,
                       fmt::format("no application is called \"{}\"", name.value.substr(0, name_max)));
            } else if (!placed_.insert(name).second) {
                refuse(About::application, name.value, "the application is placed twice");
            }
        }
    }

    void check_replicas(const ApplicationName& name, const std::vector<NodeReference>& nodes) {
        const auto wrong = [&](std::string message) {
            refuse(About::deployment, "", fmt::format("replicas of \"{}\": {}", name.value.substr(0, name_max), message));
        };
        const auto application = std::ranges::find(deployment_.applications, name, &Application::name);
        if (application == deployment_.applications.end() || !placed_.contains(name)) return wrong("it is placed nowhere");
        if (!application->volume) return wrong("it has no volume");
        if (nodes.size() > replicas_max) return wrong(fmt::format("a volume has from 0 to {} replicas", replicas_max));
        const auto& count = application->volume->replicas;
        if (count && *count != nodes.size()) return wrong(fmt::format("{} nodes are named, {} are wished", nodes.size(), *count));
        std::set<NodeReference> seen;
        for (const NodeReference& node : nodes) {
            const bool sound = !node.value.empty() && node.value.size() <= 253 && !has_control_characters(node.value);
            if (!sound) return wrong("a node is said by its name, hostname or address");
            if (!seen.insert(node).second) return wrong(fmt::format("node {} is there twice", node.value));
        }
    }

    const Deployment& deployment_;
    std::vector<Refusal> refusals_;
    std::set<ApplicationName> names_;
    std::set<ApplicationName> placed_;
    std::map<ExternalPort, ApplicationName> external_;
    std::map<DatasetId, std::string> datasets_;
};

}  // namespace

std::vector<Refusal> check(const Deployment& deployment) {
    return DeploymentCheck(deployment).run();
}

}  // namespace flocker::api
