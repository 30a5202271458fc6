// SPDX-License-Identifier: Apache-2.0
#include "adapters/peer/messages.hpp"

#include <algorithm>
#include <array>
#include <boost/json.hpp>

#include "adapters/peer/frames.hpp"

namespace flocker::peer {
namespace {

namespace json = boost::json;

constexpr std::int64_t version = 1;
constexpr std::size_t name_max = 512;
constexpr std::size_t error_text_max = 4096;
/// The longest identifier ("e" and "-s" and two numbers of 20 digits, quotes, comma) has 46
/// characters: with so many of them a message stays under message_max.
constexpr std::size_t snapshots_max = 1400;
static_assert(snapshots_max * 46 + 256 < message_max);
constexpr std::size_t digest_max = 128;

constexpr std::array error_codes{
    ErrorCode::invalid_argument, ErrorCode::not_found, ErrorCode::already_exists,
    ErrorCode::denied,           ErrorCode::conflict,  ErrorCode::unavailable,
    ErrorCode::timed_out,        ErrorCode::corrupt,   ErrorCode::internal,
};

/// Reads members of an object; the first that is missing or wrong is remembered.
class Members {
public:
    explicit Members(const json::object& object) : object_(object) {}

    std::string text(json::string_view name) {
        const auto* value = object_.if_contains(name);
        const auto* found = value != nullptr ? value->if_string() : nullptr;
        if (found == nullptr || found->empty() || found->size() > name_max) return wrong(name), std::string{};
        return {found->data(), found->size()};
    }
    std::uint64_t number(json::string_view name) {
        const auto* value = object_.if_contains(name);
        if (value != nullptr && value->is_uint64()) return value->get_uint64();
        if (value != nullptr && value->is_int64() && value->get_int64() >= 0) {
            return static_cast<std::uint64_t>(value->get_int64());
        }
        return wrong(name), 0;
    }
    bool flag(json::string_view name) {
        const auto* value = object_.if_contains(name);
        if (value != nullptr && value->is_bool()) return value->get_bool();
        return wrong(name), false;
    }
    model::DatasetId dataset() {
        model::DatasetId id{text("dataset")};
        if (!model::is_uuid(id.value)) wrong("dataset");
        return id;
    }
    model::SnapshotId snapshot(json::string_view name) {
        const auto id = model::parse_snapshot_id(text(name));
        return id ? *id : (wrong(name), model::SnapshotId{});
    }
    [[nodiscard]] bool has(json::string_view name) const { return object_.contains(name); }
    void wrong(json::string_view name) {
        if (wrong_.empty()) wrong_.assign(name.data(), name.size());
    }
    [[nodiscard]] const std::string& first_wrong() const { return wrong_; }

private:
    const json::object& object_;
    std::string wrong_;
};

Result<json::object> parse_object(std::string_view text) {
    json::error_code error;
    json::parse_options options;
    options.max_depth = 4;
    auto value = json::parse({text.data(), text.size()}, error, {}, options);
    if (error || !value.is_object()) return fail(ErrorCode::corrupt, "received a message that is not a JSON object");
    return std::move(value.get_object());
}

std::string limited(const std::string& text) {
    // Never in the middle of a character.
    std::size_t size = std::min(text.size(), error_text_max);
    while (size > 0 && size < text.size() && (static_cast<unsigned char>(text[size]) & 0xc0U) == 0x80U) --size;
    return text.substr(0, size);
}

json::object object_of(const AskHoldings& ask) {
    return {{"request", "holdings"}, {"dataset", ask.dataset.value}};
}
json::object object_of(const OfferSnapshot& offer) {
    json::object object{{"request", "snapshot"},
                        {"dataset", offer.dataset.value},
                        {"epoch", offer.epoch.value},
                        {"to", model::to_text(offer.to)},
                        {"expected_bytes", offer.expected.value}};
    if (offer.base) object["base"] = model::to_text(*offer.base);
    if (offer.goes_on) object["goes_on"] = true;
    return object;
}
json::object object_of(const AskImage& ask) {
    return {{"request", "image"}, {"name", ask.name}};
}
json::object object_of(const AskLogs& ask) {
    return {{"request", "logs"}, {"application", ask.application.value}, {"tail", ask.tail}, {"follow", ask.follow}};
}

json::object object_of(const AskHold& ask) {
    return {{"request", "hold"}, {"dataset", ask.dataset.value}, {"snapshot", model::to_text(ask.snapshot)}};
}
json::object object_of(const AskDigest& ask) {
    json::object object{{"request", "digest"}};
    if (ask.only) object["first"] = ask.only->first;
    if (ask.only) object["count"] = ask.only->count;
    return object;
}

json::object object_of(const model::PartialSeen& partial) {
    json::object object{
        {"to", model::to_text(partial.to)}, {"received", partial.received.value}, {"epoch", partial.epoch.value}};
    if (partial.base) object["base"] = model::to_text(*partial.base);
    return object;
}

Result<model::PartialSeen> partial_of(const json::value& value) {
    if (!value.is_object()) return fail(ErrorCode::corrupt, "received a reply whose \"partial\" is wrong");
    Members members(value.get_object());
    model::PartialSeen partial{std::nullopt, members.snapshot("to"), Bytes{members.number("received")}, {}};
    if (members.has("epoch")) partial.epoch = model::Epoch{members.number("epoch")};
    if (members.has("base")) partial.base = members.snapshot("base");
    if (members.first_wrong().empty()) return partial;
    return fail(ErrorCode::corrupt, "received a reply whose \"partial\" is wrong");
}

Result<Reply> admitted_of(Members& members) {
    Reply reply{Reply::Kind::admitted, {}, {}};
    if (members.has("from")) reply.from = ports::StreamPlace{Bytes{members.number("from")}, members.text("digest")};
    const bool wrong = !members.first_wrong().empty() || (reply.from && reply.from->digest.size() > digest_max);
    if (wrong) return fail(ErrorCode::corrupt, "received an admission that does not say from where");
    return reply;
}

std::optional<Request> request_of(const std::string& kind, Members& members) {
    if (kind == "holdings") return AskHoldings{members.dataset()};
    if (kind == "snapshot") {
        OfferSnapshot offer{members.dataset(), model::Epoch{members.number("epoch")}, std::nullopt,
                            members.snapshot("to"), Bytes{members.number("expected_bytes")}};
        if (members.has("base")) offer.base = members.snapshot("base");
        offer.goes_on = members.has("goes_on") && members.flag("goes_on");
        return offer;
    }
    if (kind == "image") return AskImage{members.text("name")};
    if (kind == "logs") {
        AskLogs ask{model::ApplicationName{members.text("application")}, 0, members.flag("follow")};
        const auto tail = members.number("tail");
        if (tail > UINT32_MAX) members.wrong("tail");
        ask.tail = static_cast<std::uint32_t>(tail);
        return ask;
    }
    if (kind == "hold") return AskHold{members.dataset(), members.snapshot("snapshot")};
    if (kind == "digest") {
        if (!members.has("first")) return AskDigest{};
        return AskDigest{ports::DigestRange{members.number("first"), members.number("count")}};
    }
    return std::nullopt;
}

}  // namespace

std::string encode(const Request& request) {
    json::object object = std::visit([](const auto& one) { return object_of(one); }, request);
    object["version"] = version;
    return json::serialize(object);
}

Result<Request> decode_request(std::string_view text) {
    FLOCKER_TRY(const json::object object, parse_object(text));
    Members members(object);
    if (members.number("version") != static_cast<std::uint64_t>(version)) {
        return fail(ErrorCode::invalid_argument, "the other agent speaks another version of the protocol");
    }
    const auto request = request_of(members.text("request"), members);
    if (!members.first_wrong().empty()) {
        return fail(ErrorCode::corrupt,
                    "received a request whose \"" + members.first_wrong() + "\" is missing or wrong");
    }
    if (!request) return fail(ErrorCode::invalid_argument, "the other agent asked for what this one does not know");
    return *request;
}

std::string encode(const Reply& reply) {
    json::object object;
    if (reply.kind == Reply::Kind::admitted) {
        object["outcome"] = "admitted";
        if (reply.from) object["from"] = reply.from->offset.value;
        if (reply.from) object["digest"] = reply.from->digest;
        return json::serialize(object);
    }
    if (!reply.status) {
        object["outcome"] = to_string(reply.status.error().code);
        object["message"] = limited(reply.status.error().message);
        return json::serialize(object);
    }
    const auto& snapshots = reply.holdings.snapshots;
    json::array list;
    for (std::size_t i = snapshots.size() - std::min(snapshots.size(), snapshots_max); i < snapshots.size(); ++i) {
        list.emplace_back(model::to_text(snapshots[i]));
    }
    object["outcome"] = "ok";
    object["epoch"] = reply.holdings.epoch.value;
    object["snapshots"] = std::move(list);
    if (reply.holdings.partial) object["partial"] = object_of(*reply.holdings.partial);
    return json::serialize(object);
}

Result<Reply> decode_reply(std::string_view text) {
    FLOCKER_TRY(const json::object object, parse_object(text));
    Members members(object);
    const std::string outcome = members.text("outcome");
    if (outcome == "admitted") return admitted_of(members);
    for (const ErrorCode code : error_codes) {
        if (outcome != to_string(code)) continue;
        const auto* message = object.if_contains("message");
        const auto* words = message != nullptr ? message->if_string() : nullptr;
        return Reply{
            Reply::Kind::done, fail(code, words != nullptr ? std::string(words->data(), words->size()) : outcome), {}};
    }
    Reply reply;
    reply.holdings.epoch = model::Epoch{members.number("epoch")};
    const auto* list = object.if_contains("snapshots");
    if (outcome != "ok" || list == nullptr || !list->is_array()) members.wrong("outcome");
    if (!members.first_wrong().empty()) {
        return fail(ErrorCode::corrupt, "received a reply whose \"" + members.first_wrong() + "\" is missing or wrong");
    }
    for (const auto& item : list->get_array()) {
        const auto id = item.is_string()
                            ? model::parse_snapshot_id({item.get_string().data(), item.get_string().size()})
                            : std::nullopt;
        if (!id) return fail(ErrorCode::corrupt, "received a reply with a snapshot that is none");
        reply.holdings.snapshots.push_back(*id);
    }
    if (const auto* partial = object.if_contains("partial")) {
        FLOCKER_TRY(reply.holdings.partial, partial_of(*partial));
    }
    return reply;
}

std::string encode_beginning(Bytes from) {
    return json::serialize(json::object{{"from", from.value}});
}

Result<Bytes> decode_beginning(std::string_view text) {
    FLOCKER_TRY(const json::object object, parse_object(text));
    Members members(object);
    const Bytes from{members.number("from")};
    if (!members.first_wrong().empty())
        return fail(ErrorCode::corrupt, "received a body that does not say where it begins");
    return from;
}

}  // namespace flocker::peer
