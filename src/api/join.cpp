// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "api/api.hpp"
#include "api/documents_json.hpp"
#include "api/join.hpp"

namespace flocker::api {
namespace {

constexpr std::size_t text_max = 16 * 1024;
constexpr std::size_t name_max = 63;
constexpr std::size_t hostname_max = 253;
constexpr std::size_t labels_max = 64;

bool is_letter_or_digit(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool is_dns_label(const std::string& text) {
    return !text.empty() && text.size() <= name_max && is_letter_or_digit(text.front()) &&
           is_letter_or_digit(text.back()) &&
           std::ranges::all_of(text, [](char c) { return is_letter_or_digit(c) || c == '-'; });
}

bool is_ipv4(std::string_view text) {
    for (int part = 0; part < 4; ++part) {
        unsigned number = 256;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
        const auto used = static_cast<std::size_t>(end - text.data());
        if (error != std::errc{} || number > 255 || used > 3 || (used > 1 && text.front() == '0')) return false;
        text.remove_prefix(used);
        if (part == 3) return text.empty();
        if (!text.starts_with('.')) return false;
        text.remove_prefix(1);
    }
    return false;
}

/// Of a name that is shown and compared, and never a path.
bool is_printable(const std::string& text, std::size_t most) {
    return text.size() <= most && std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f; });
}

}  // namespace

Status check(const JoinDocument& join) {
    const auto refuse = [](std::string message) { return fail(ErrorCode::invalid_argument, std::move(message)); };
    const model::Node& node = join.node;
    if (join.token.empty() || join.token.size() > text_max)
        return refuse("the token is missing; `flocker token create` makes one");
    if (join.request.empty() || join.request.size() > text_max)
        return refuse("the certificate signing request is missing or too long");
    if (!is_dns_label(node.name)) {
        return refuse("the node's name must be a DNS label: lower case letters, digits and hyphens, at most 63");
    }
    if (!is_ipv4(node.address) || node.address.starts_with("127.") || node.address == "0.0.0.0") {
        return refuse("the node's address must be an IPv4 address at which the other nodes reach it");
    }
    if (!is_printable(node.hostname, hostname_max))
        return refuse("the node's hostname must be printable, at most 253 characters");
    if (!is_printable(node.datacenter, name_max))
        return refuse("the data center must be printable, at most 63 characters");
    const bool labels_fit = node.labels.size() <= labels_max && std::ranges::all_of(node.labels, [](const auto& label) {
                                return !label.first.empty() && is_printable(label.first, name_max) &&
                                       is_printable(label.second, hostname_max);
                            });
    if (!labels_fit) return refuse("the node's labels must be printable and at most 64");
    return {};
}

Reply Api::post_join(const http::Request& request, const Target&) {
    auto body = from_json<JoinDocument>(request.body);
    if (!body)
        return {
            error_response({ErrorCode::invalid_argument, "the request's body can't be taken: " + body.error().message}),
            {}};
    if (const Status checked = check(*body); !checked) return {error_response(checked.error()), {}};
    const auto answer = services_.enrollment.enroll({body->token, body->request, body->node});
    if (!answer) return {error_response(answer.error()), {}};
    if (Status added = ask(protocol::Control::AddNode{answer->node}); !added) {
        Error error = std::move(added).error();
        error.message += "; the token is used up, make a new one with `flocker token create`";
        return {error_response(error), {}};
    }
    return {json_response(201, to_json(JoinedDocument{answer->node, answer->certificate, answer->authority})), {}};
}

}  // namespace flocker::api
