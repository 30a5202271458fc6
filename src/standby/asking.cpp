// SPDX-License-Identifier: Apache-2.0
#include "standby/asking.hpp"

#include <chrono>
#include <future>

#include "adapters/http/client.hpp"
#include "codec/json.hpp"

namespace flocker::standby {
namespace {

constexpr Duration connect_limit = 2s;
constexpr Duration answer_limit = 3s;
constexpr const char* target = "/v1/control";

}  // namespace

bool may_say(const std::string& common_name) { return common_name == "control" || common_name.starts_with("node:"); }

Result<model::ControlWord> ask(const posix::Connector& connector, const std::string& address, std::uint16_t port) {
    http::HttpClient client([&] { return connector(address, port, connect_limit); }, address + ":" + std::to_string(port));
    http::Request request;
    request.target = target;
    FLOCKER_TRY(const http::Response response, client.exchange(request, {.source = {}, .sink = {}, .idle_limit = answer_limit}));
    if (response.status != 200) {
        return fail(ErrorCode::unavailable, address + " does not say where the control service is: " +
                                                response.body.substr(0, response.body.find('\n')));
    }
    return codec::decode<model::ControlWord>(response.body);
}

std::vector<Asked> ask_all(const posix::Connector& connector, const std::vector<model::Node>& nodes, std::uint16_t port) {
    std::vector<std::future<Result<model::ControlWord>>> words;
    words.reserve(nodes.size());
    for (const model::Node& node : nodes) {
        words.push_back(std::async(std::launch::async, [&connector, &node, port] { return ask(connector, node.address, port); }));
    }
    std::vector<Asked> asked;
    for (std::size_t i = 0; i < nodes.size(); ++i) asked.push_back({nodes[i], words[i].get()});
    return asked;
}

std::string members_text(const std::vector<model::Node>& nodes) {
    std::string text;
    for (const model::Node& node : nodes) text += (text.empty() ? "" : ",") + node.address;
    return text;
}

bool asks_for_control(const http::Request& request) { return request.target == target; }

http::Response answer(const http::Request& request, const model::ControlWord& word) {
    http::Response response;
    response.headers.add("Content-Type", "application/json");
    if (request.peer.empty()) {
        response.status = 403;
        response.body = "{\"error\":\"this takes a certificate of the cluster\"}\n";
    } else if (request.method != "GET") {
        response.status = 405;
        response.body = "{\"error\":\"no such method here\"}\n";
    } else {
        model::ControlWord said = word;
        said.now = {std::chrono::duration_cast<Duration>(std::chrono::system_clock::now().time_since_epoch()).count()};
        response.body = codec::encode(said);
    }
    return response;
}

}  // namespace flocker::standby
