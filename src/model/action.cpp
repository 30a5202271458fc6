// SPDX-License-Identifier: Apache-2.0
#include "model/action.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdio>

namespace flocker::model {
namespace {

/// FNV-1a over fields, each closed by its length, so that no two different sequences of fields read
/// the same. Guards against accidental collisions only.
class Digest {
public:
    void add(const std::string& field) {
        for (const char c : field) mix(static_cast<unsigned char>(c));
        add(static_cast<std::uint64_t>(field.size()));
    }
    void add(std::uint64_t number) {
        for (int shift = 0; shift < 64; shift += 8) mix(static_cast<unsigned char>(number >> shift));
    }
    [[nodiscard]] std::string text() const {
        std::array<char, 33> buffer{};
        std::snprintf(buffer.data(), buffer.size(), "%016llx%016llx", static_cast<unsigned long long>(a_),
                      static_cast<unsigned long long>(b_));
        return buffer.data();
    }

private:
    void mix(unsigned char byte) {
        a_ = (a_ ^ byte) * 0x100000001b3ULL;
        b_ = (b_ ^ (byte + 0x5bU)) * 0x9e3779b97f4a7c15ULL;
        b_ ^= b_ >> 29U;
    }
    std::uint64_t a_{0xcbf29ce484222325ULL};
    std::uint64_t b_{0x84222325cbf29ce4ULL};
};

}  // namespace

std::string fingerprint(const ContainerSpec& spec) {
    Digest digest;
    const Application& application = spec.application;
    digest.add(application.name.value);
    digest.add(application.image);
    for (const Port& port : application.ports) {
        const std::uint64_t udp = port.protocol == Protocol::udp ? 1 : 0;
        digest.add((udp << 32U) | (std::uint64_t{port.internal} << 16U) | port.external);
    }
    digest.add(application.ports.size());
    for (const auto& [name, value] : container_environment(spec)) {
        digest.add(name);
        digest.add(value);
    }
    digest.add(application.volume ? application.volume->mountpoint : "");
    digest.add(spec.volume_source);
    digest.add(application.mem_limit ? application.mem_limit->value + 1 : 0);
    digest.add(application.cpu_shares ? std::uint64_t{*application.cpu_shares} + 1 : 0);
    if (application.command) {
        for (const auto& word : *application.command) digest.add(word);
        digest.add(application.command->size());
    }
    digest.add(spec.incarnation);
    // What is the default adds nothing: containers that were made before it came stay as they are.
    if (!application.gate) digest.add("no gate");
    return digest.text();
}

std::map<std::string, std::string> container_environment(const ContainerSpec& spec) {
    std::map<std::string, std::string> environment;
    for (const Link& link : spec.application.links) {
        std::string alias = link.alias;
        std::ranges::transform(alias, alias.begin(), [](char c) {
            return c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
        });
        const std::string prefix = alias + "_PORT_" + std::to_string(link.local_port) + "_TCP";
        const std::string port = std::to_string(link.remote_port);
        environment[prefix] = "tcp://" + spec.links_host + ":" + port;
        environment[prefix + "_ADDR"] = spec.links_host;
        environment[prefix + "_PORT"] = port;
        environment[prefix + "_PROTO"] = "tcp";
    }
    for (const auto& [name, value] : spec.application.environment) environment[name] = value;
    return environment;
}

const ApplicationName& application_of(const ContainerAction& action) {
    return std::visit(
        Overloaded{[](const CreateContainer& create) -> const ApplicationName& { return create.spec.application.name; },
                   [](const AwaitReady& await) -> const ApplicationName& { return await.application.name; },
                   [](const auto& other) -> const ApplicationName& { return other.application; }},
        action);
}

bool is_asking(const ContainerAction& action) {
    return std::holds_alternative<AwaitReady>(action) || std::holds_alternative<RunHook>(action);
}

const DatasetId& dataset_of(const DatasetAction& action) {
    return std::visit([](const auto& any) -> const DatasetId& { return any.dataset; }, action);
}

}  // namespace flocker::model
