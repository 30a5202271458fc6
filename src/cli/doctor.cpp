// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "api/documents_json.hpp"
#include "api/version.hpp"
#include "cli/commands.hpp"
#include "cli/text.hpp"
#include "codec/json.hpp"
#include "codec/json_text.hpp"

namespace flocker::cli {
namespace {

using model::Finding;

constexpr std::uint32_t events_wished = 1000;

Tone tone_of(Finding::Level level) {
    switch (level) {
        case Finding::Level::ok: return Tone::good;
        case Finding::Level::warn: return Tone::busy;
        case Finding::Level::fail: return Tone::bad;
    }
    return Tone::bad;
}

/// A line each, and beneath it how to mend it.
std::string text_of(const std::vector<Finding>& findings, const Look& look) {
    std::string text;
    for (const Finding& each : findings) {
        text += fmt::format("{}  {:<9} {}\n", toned(padded(to_string(each.level), 4), tone_of(each.level), look), each.subject,
                            printable(each.text));
        if (!each.mend.empty()) text += fmt::format("{:<15} {}\n", "", printable(each.mend));
    }
    return text;
}

std::string json_of(const std::vector<Finding>& findings) {
    std::string list;
    for (const Finding& each : findings) {
        list += fmt::format("{}{{\"level\":\"{}\",\"subject\":", list.empty() ? "" : ",", to_string(each.level));
        codec::append_json_string(list, each.subject);
        list += ",\"text\":";
        codec::append_json_string(list, each.text);
        list += ",\"mend\":";
        codec::append_json_string(list, each.mend);
        list += "}";
    }
    return "{\"findings\":[" + list + "]}";
}

bool has_failed(const std::vector<Finding>& findings) {
    return std::ranges::find(findings, Finding::Level::fail, &Finding::level) != findings.end();
}

/// What the control service says of the whole cluster; what it does not say is a file that says why not.
void add_cluster(const Session& session, std::map<std::string, std::string>& files) {
    const auto client = session.connect();
    if (!client) {
        files["status.json"] = client.error().message + "\n";
        return;
    }
    const auto add = [&](const char* name, const auto& document) {
        files[name] = (document ? api::to_json(*document) : document.error().message) + "\n";
    };
    add("status.json", client->status());
    add("volumes.json", client->volumes());
    add("nodes.json", client->nodes());
    add("moves.json", client->moves(std::nullopt));
    add("events.json", client->latest_events(events_wished));
    add("version.json", client->version());
    const auto settings = client->settings();
    files["settings.json"] = (settings ? codec::encode(*settings) : settings.error().message) + "\n";
}

/// "2025-11-22T08:51:03.000Z" as a part of a file's name: "20251122T085103Z".
std::string dated(Instant now) {
    std::string text = to_utc_text(now).substr(0, 19);
    std::erase_if(text, [](char c) { return c == '-' || c == ':'; });
    return text + "Z";
}

}  // namespace

int doctor(const Session& session, const std::string& config_folder) {
    const auto findings = session.world().own_node.examine(config_folder);
    session.out() << (session.json() ? json_of(findings) + "\n" : text_of(findings, session.look())) << std::flush;
    return has_failed(findings) ? exit_code::failed : exit_code::done;
}

int diagnostics(const Session& session, const std::string& file, const std::string& config_folder) {
    const OwnNode& own = session.world().own_node;
    auto files = own.diagnostics(config_folder);
    const auto findings = own.examine(config_folder);
    files["doctor.txt"] = text_of(findings, {});
    files["doctor.json"] = json_of(findings) + "\n";
    files["flocker.txt"] = fmt::format("flocker {}\nmade {}\n", api::version(), to_utc_text(session.world().now()));
    add_cluster(session, files);
    const auto node = own.name(config_folder);
    const std::string name = fmt::format("flocker-diagnostics-{}-{}", node.value_or("machine"), dated(session.world().now()));
    const std::string path = file.empty() ? name + ".tar.gz" : file;
    if (const Status packed = own.pack(path, name, files); !packed) return session.fail_with(packed.error());
    if (session.json()) {
        std::string quoted;
        codec::append_json_string(quoted, path);
        session.out() << fmt::format("{{\"file\":{},\"files\":{}}}", quoted, files.size()) << std::endl;
    } else {
        session.out() << fmt::format("{}: {} files, without keys, tokens, commands and values of environment variables.\n"
                                     "Names, addresses and images are in it: look through it before you give it away.\n",
                                     path, files.size())
                      << std::flush;
    }
    return exit_code::done;
}

}  // namespace flocker::cli
