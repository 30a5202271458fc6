// SPDX-License-Identifier: Apache-2.0
#include "standby/backup.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <array>

#include "adapters/http/client.hpp"
#include "adapters/sqlite/state_store.hpp"
#include "adapters/tls/authority.hpp"
#include "adapters/tls/digest.hpp"
#include "codec/json.hpp"
#include "standby/place.hpp"
#include "standby/when_free.hpp"

namespace flocker::standby {
namespace {

constexpr std::uint64_t form = 1;
constexpr Duration connect_limit = 2s;
constexpr Duration answer_limit = 10s;

std::string last_line_of(std::string_view lines) { return fmt::format("{{\"sha256\":\"{}\"}}\n", tls::digest(lines)); }

tl::unexpected<Error> refuse(const std::string& why) { return fail(ErrorCode::invalid_argument, why); }

struct Copy {
    model::Records records;
    std::vector<model::Event> events;
};

/// As each node takes its copy; see CopiedStore.
Result<Copy> ask_control(const OwnNode& node, const model::ControlPlace& place) {
    const auto connector = node.identity.connector(tls::peer_is("control"));
    const std::string name = fmt::format("{}:{}", place.address, place.agent_port);
    http::HttpClient client([&] { return connector(place.address, place.agent_port, connect_limit); }, name);
    http::Request request;
    request.target = fmt::format("/v1/nodes/{}/records?revision=0&event=0", node.config.node.id.value);
    FLOCKER_TRY(const auto response, client.exchange(request, {.source = {}, .sink = {}, .idle_limit = answer_limit}));
    if (response.status == 204) return fail(ErrorCode::unavailable, name + " has no records yet");
    if (response.status != 200) {
        return fail(ErrorCode::unavailable, fmt::format("{}: {}", name, response.body.substr(0, response.body.find('\n'))));
    }
    const std::string_view text = response.body;
    const auto first = text.find('\n');
    const auto second = first == std::string_view::npos ? first : text.find('\n', first + 1);
    if (second == std::string_view::npos) return fail(ErrorCode::corrupt, "the answer of " + name + " broke off");
    // What follows is the CA's key, which is no business of a backup.
    Copy copy;
    FLOCKER_TRY(copy.records, codec::decode<model::Records>(text.substr(0, first)));
    FLOCKER_TRY(copy.events, codec::decode<std::vector<model::Event>>(text.substr(first + 1, second - first - 1)));
    return copy;
}

Result<Copy> read_own_file(const std::string& path) {
    // To open one that is not there would make it.
    if (::access(path.c_str(), F_OK) != 0) return fail(ErrorCode::not_found, "there is no " + path);
    Copy copy;
    FLOCKER_TRY(copy.records, when_free([&] { return sqlite::read_file_of_records(path); }));
    if (copy.records.revision.value == 0) return fail(ErrorCode::unavailable, "it has no records yet");
    FLOCKER_TRY(copy.events, when_free([&] { return sqlite::read_file_of_events(path); }));
    return copy;
}

}  // namespace

std::string to_text(const Backup& backup) {
    const std::string lines =
        codec::encode(backup.head) + "\n" + codec::encode(backup.records) + "\n" + codec::encode(backup.events) + "\n";
    return lines + last_line_of(lines);
}

Result<Backup> parse_backup(std::string_view text) {
    const std::string_view whole = text;
    std::array<std::string_view, 3> lines;
    for (std::string_view& line : lines) {
        const auto end = text.find('\n');
        line = text.substr(0, end);
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    Backup backup;
    auto head = codec::decode<model::BackupHead>(lines[0]);
    if (!head || head->flocker_backup == 0) return refuse("this is no backup that `flocker backup` has made");
    if (head->flocker_backup > form) {
        return refuse(fmt::format("it was made by a newer Flocker (form {}, this one knows {}): use that version or a later one",
                                  head->flocker_backup, form));
    }
    const std::string_view content = whole.substr(0, whole.size() - text.size());
    if (text.empty()) return refuse("it was cut off: its end is missing");
    if (text != last_line_of(content)) return refuse("it was changed or cut off since it was made: its digest does not fit");
    const auto records = codec::decode<model::Records>(lines[1]);
    if (!records) return refuse("its records make no sense: " + records.error().message);
    const auto events = codec::decode<std::vector<model::Event>>(lines[2]);
    if (!events) return refuse("its events make no sense: " + events.error().message);
    if (records->revision != head->revision || head->revision.value == 0) {
        return refuse("its records are not those that its first line speaks of");
    }
    return Backup{*std::move(head), *records, *events};
}

Result<BackupTaken> take_backup(const OwnNode& node, Instant now) {
    FLOCKER_TRY(const model::ControlPlace place, read_place(node.config));
    FLOCKER_TRY(const std::string authority, tls::fingerprint(node.authority));
    BackupTaken taken;
    auto copy = ask_control(node, place);
    if (!copy) {
        const setup::StateFolder state{node.config.state};
        const std::string path = is_here(node.config, place) ? state.records() : state.copy();
        taken.from_file =
            fmt::format("the control service does not answer ({}); this is what {} holds", copy.error().message, path);
        copy = read_own_file(path);
        if (!copy) return fail(copy.error().code, taken.from_file + ": " + copy.error().message);
    }
    taken.backup = {{form, authority, now, copy->records.revision}, std::move(copy->records), std::move(copy->events)};
    return taken;
}

}  // namespace flocker::standby
