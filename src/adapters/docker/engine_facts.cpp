// SPDX-License-Identifier: Apache-2.0
#include "adapters/docker/engine_facts.hpp"

#include <boost/json.hpp>
#include <string_view>

#include "adapters/docker/api.hpp"

namespace flocker::docker {
namespace {

namespace json = boost::json;

constexpr Duration answer_limit = 5s;

Result<json::object> parse_object(const std::string& text) {
    json::error_code error;
    const json::value value = json::parse(text, error);
    if (error || !value.is_object()) return fail(ErrorCode::unavailable, "docker's answer is no JSON object");
    return value.get_object();
}

std::string text_of(const json::object& object, std::string_view key) {
    const json::value* found = object.if_contains(key);
    const json::string* text = found ? found->if_string() : nullptr;
    return text ? std::string(text->data(), text->size()) : std::string();
}

bool flag_of(const json::object& object, std::string_view key) {
    const json::value* found = object.if_contains(key);
    const bool* flag = found ? found->if_bool() : nullptr;
    return flag && *flag;
}

}  // namespace

Result<EngineFacts> parse_engine_facts(const std::string& version, const std::string& info) {
    FLOCKER_TRY(const json::object said, parse_object(version));
    FLOCKER_TRY(const json::object more, parse_object(info));
    EngineFacts facts;
    facts.version = text_of(said, "Version");
    facts.api = text_of(said, "ApiVersion");
    facts.root = text_of(more, "DockerRootDir");
    facts.storage = text_of(more, "Driver");
    facts.cgroup_driver = text_of(more, "CgroupDriver");
    facts.cgroup_version = text_of(more, "CgroupVersion");
    facts.limits_memory = flag_of(more, "MemoryLimit");
    facts.limits_cpu = flag_of(more, "CpuCfsQuota");
    const json::value* warnings = more.if_contains("Warnings");
    if (const json::array* list = warnings ? warnings->if_array() : nullptr) {
        for (const json::value& each : *list) {
            if (const json::string* text = each.if_string()) facts.warnings.emplace_back(text->data(), text->size());
        }
    }
    return facts;
}

Result<EngineFacts> ask_engine(const std::string& socket_path) {
    Api api(socket_path);
    FLOCKER_TRY(const http::Response version, api.call({.path = "/version", .idle_limit = answer_limit}));
    FLOCKER_TRY(const http::Response info, api.call({.path = "/info", .idle_limit = answer_limit}));
    return parse_engine_facts(version.body, info.body);
}

}  // namespace flocker::docker
