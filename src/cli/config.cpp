// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "api/documents_json.hpp"
#include "cli/commands.hpp"
#include "cli/table.hpp"
#include "cli/text.hpp"
#include "manifest/bandwidth.hpp"
#include "manifest/duration.hpp"

namespace flocker::cli {
namespace {

using model::ClusterSettings;

/// One key: what it says, how it is shown, and how it is read into a request.
struct Key {
    std::string_view name;
    std::string_view about;
    std::string (*show)(const ClusterSettings& settings);
    Status (*read)(std::string_view text, api::SettingsRequest& request);
};

Status read_number(std::string_view text, std::optional<std::uint32_t>& number) {
    std::uint32_t read = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), read);
    if (error != std::errc{} || end != text.data() + text.size())
        return fail(ErrorCode::invalid_argument, fmt::format("\"{}\" is no whole number", text));
    number = read;
    return {};
}

Status read_duration(std::string_view text, std::optional<Duration>& duration) {
    FLOCKER_TRY(duration, manifest::parse_duration(text));
    return {};
}

Status read_bandwidth(std::string_view text, std::optional<model::Bandwidth>& bandwidth) {
    FLOCKER_TRY(bandwidth, manifest::parse_bandwidth(text));
    return {};
}

Status read_failover(std::string_view text, std::optional<model::Failover>& failover) {
    if (text != "manual" && text != "automatic")
        return fail(ErrorCode::invalid_argument, fmt::format("\"{}\" is neither manual nor automatic", text));
    failover = text == "manual" ? model::Failover::manual : model::Failover::automatic;
    return {};
}

using Request = api::SettingsRequest;

constexpr std::array<Key, 6> keys{
    {{"replicas", "copies of a volume beside its owner's, where its manifest says nothing",
      [](const ClusterSettings& settings) { return std::to_string(settings.replicas); },
      [](std::string_view text, Request& request) { return read_number(text, request.replicas); }},
     {"lag", "how far a replica may be behind, where the manifest says nothing",
      [](const ClusterSettings& settings) { return manifest::duration_text(settings.lag); },
      [](std::string_view text, Request& request) { return read_duration(text, request.lag); }},
     {"failover", "manual or automatic: when a node is lost, where the manifest says nothing",
      [](const ClusterSettings& settings) { return std::string(to_string(settings.failover)); },
      [](std::string_view text, Request& request) { return read_failover(text, request.failover); }},
     {"replace-after", "a replica on a node that is lost for so long is made elsewhere",
      [](const ClusterSettings& settings) { return manifest::duration_text(settings.replace_after); },
      [](std::string_view text, Request& request) { return read_duration(text, request.replace_after); }},
     {"full-copies-max", "first copies under way at a time; what a move needs comes on top",
      [](const ClusterSettings& settings) { return std::to_string(settings.full_copies_max); },
      [](std::string_view text, Request& request) { return read_number(text, request.full_copies_max); }},
     {"bandwidth", "what each node sends to replicas, where the node has no limit of its own",
      [](const ClusterSettings& settings) { return to_text(settings.bandwidth); },
      [](std::string_view text, Request& request) { return read_bandwidth(text, request.bandwidth); }}}};

std::string key_names() {
    std::string names;
    for (const Key& key : keys) names += fmt::format("{}{}", names.empty() ? "" : ", ", key.name);
    return names;
}

Result<Request> request_of(const std::vector<std::string>& words) {
    if (words.size() % 2 != 0)
        return fail(ErrorCode::invalid_argument, fmt::format("\"{}\" has no value; write KEY VALUE", words.back()));
    Request request;
    for (std::size_t i = 0; i < words.size(); i += 2) {
        const auto key = std::ranges::find(keys, words[i], &Key::name);
        if (key == keys.end()) {
            return fail(ErrorCode::invalid_argument,
                        fmt::format("no setting is called \"{}\"; the keys are {}", words[i], key_names()));
        }
        if (const Status read = key->read(words[i + 1], request); !read) return fail_in(words[i], read.error());
    }
    return request;
}

}  // namespace

int show_settings(const Session& session) {
    const auto client = session.connect();
    if (!client) return session.fail_with(client.error());
    const auto settings = client->settings();
    if (!settings) return session.fail_with(settings.error());
    if (session.json()) {
        session.out() << api::to_json(*settings) << std::endl;
        return exit_code::done;
    }
    Table table({"KEY", "VALUE", ""});
    for (const Key& key : keys)
        table.add({std::string(key.name), key.show(*settings), {std::string(key.about), Tone::faint}});
    session.out() << table.text(session.look()) << std::flush;
    return exit_code::done;
}

int change_settings(const Session& session, const std::vector<std::string>& words) {
    const auto request = request_of(words);
    if (!request) return session.fail_with(request.error());
    const auto client = session.connect();
    if (!client) return session.fail_with(client.error());
    const auto before = client->settings();
    if (!before) return session.fail_with(before.error());
    const auto after = client->configure(*request);
    if (!after) return session.fail_with(after.error());
    if (session.json()) {
        session.out() << api::to_json(*after) << std::endl;
        return exit_code::done;
    }
    bool any = false;
    for (const Key& key : keys) {
        if (key.show(*before) == key.show(*after)) continue;
        any = true;
        session.out() << fmt::format("{}: {} -> {}\n", key.name, key.show(*before), key.show(*after));
    }
    if (!any) session.out() << "Nothing to do: that is what the settings say.\n";
    session.out() << std::flush;
    return exit_code::done;
}

}  // namespace flocker::cli
