// SPDX-License-Identifier: Apache-2.0
#include "doctor/diagnostics.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "adapters/nftables/nft_session.hpp"
#include "adapters/posix/files.hpp"
#include "codec/json.hpp"
#include "manifest/daemon_config.hpp"
#include "setup/command.hpp"
#include "setup/layout.hpp"
#include "standby/beginning.hpp"

namespace flocker::doctor {
namespace {

constexpr std::size_t file_max = std::size_t{16} << 20U;
constexpr std::size_t secret_min = 8;
constexpr const char* left_out = "(left out)";
constexpr std::string_view token_prefix = "FLKT-";

std::string text_of(const std::string& path) {
    auto text = posix::read_file(path, file_max);
    return text ? *std::move(text) : text.error().message + "\n";
}

std::string said_by(const std::vector<std::string>& words) {
    auto said = setup::run_command(words);
    return said ? *std::move(said) : said.error().message + "\n";
}

std::string tables() {
    auto session = nftables::NftSession::open();
    if (!session) return session.error().message + "\n";
    std::string text;
    for (const char* table : {"ip flocker", "bridge flocker"}) {
        const auto listed = session->run(std::string("list table ") + table);
        text += fmt::format("# {}\n{}\n", table, listed ? *listed : listed.error().message);
    }
    return text;
}

void replace_all(std::string& text, std::string_view what) {
    const std::string_view instead = left_out;
    for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + instead.size())) {
        text.replace(at, what.size(), instead);
    }
}

void cut_keys(std::string& text) {
    constexpr std::string_view begin = "-----BEGIN ";
    constexpr std::string_view key = "PRIVATE KEY-----";
    for (auto at = text.find(begin); at != std::string::npos; at = text.find(begin, at + 1)) {
        const auto line_end = text.find("-----", at + begin.size());
        if (line_end == std::string::npos || text.substr(at, line_end + 5 - at).find(key) == std::string::npos) continue;
        const auto end = text.find(key, line_end + 5);
        text.replace(at, end == std::string::npos ? std::string::npos : end + key.size() - at, left_out);
    }
}

void cut_tokens(std::string& text) {
    const auto is_of_token = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    };
    for (auto at = text.find(token_prefix); at != std::string::npos; at = text.find(token_prefix, at + 1)) {
        auto end = at;
        while (end < text.size() && is_of_token(text[end])) ++end;
        // The prefix alone stands in explanations.
        if (end - at > token_prefix.size() + secret_min) text.replace(at, end - at, left_out);
    }
}

/// A value that is a name says nothing; replacing it would make everything else unreadable.
std::vector<std::string> secrets_in(const model::Assignment& assignment) {
    std::vector<std::string> names;
    for (const auto& each : assignment.applications) names.push_back(each.application.name.value);
    for (const auto& node : assignment.nodes) names.push_back(node.name);
    std::vector<std::string> secrets;
    for (const auto& each : assignment.applications) {
        for (const auto& [variable, value] : each.application.environment) {
            if (std::ranges::find(names, value) == names.end()) secrets.push_back(value);
        }
    }
    return secrets;
}

void add_machine(Files& files) {
    files["mounts.txt"] = text_of("/proc/self/mountinfo");
    files["nftables.txt"] = tables();
    files["network.txt"] = said_by({"ip", "address"}) + "\n" + said_by({"ip", "route"});
    files["kernel.txt"] = text_of("/proc/version") + text_of("/proc/meminfo") + "load " + text_of("/proc/loadavg");
    files["disks.txt"] = said_by({"df", "-h"}) + "\n" + said_by({"df", "-i"});
    files["journal.txt"] =
        said_by({"journalctl", "--unit", "flockerd", "--lines", "5000", "--no-pager", "--output", "short-iso-precise"});
}

void add_node(Files& files, const manifest::DaemonConfig& config) {
    const setup::StateFolder state{config.state};
    files["flocker.yml"] = manifest::to_yaml(config);
    files["node.json"] = text_of(state.node());
    files["control.json"] = text_of(state.place());
    files["pool.txt"] = said_by({"btrfs", "filesystem", "usage", config.pool}) + "\n" +
                        said_by({"btrfs", "device", "stats", config.pool}) + "\n" +
                        said_by({"btrfs", "subvolume", "list", config.pool});
    std::error_code unread;
    for (const auto& entry : std::filesystem::directory_iterator(config.state, unread)) {
        std::error_code gone;
        const auto size = entry.is_regular_file(gone) ? entry.file_size(gone) : 0;
        files["state.txt"] += fmt::format("{:>14}  {}\n", size, entry.path().filename().string());
    }
}

Status write_all(const std::filesystem::path& folder, const Files& files) {
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    for (const auto& [name, text] : files) {
        FLOCKER_CHECK_OK(posix::write_file_atomically((folder / name).string(), text, 0600));
    }
    return {};
}

}  // namespace

model::Assignment without_secrets(model::Assignment assignment) {
    for (auto& each : assignment.applications) {
        for (auto& [variable, value] : each.application.environment) value = left_out;
        if (each.application.command) each.application.command = {{left_out}};
        if (each.application.before_move) each.application.before_move = {{left_out}};
    }
    return assignment;
}

std::string scrubbed(std::string text, const std::vector<std::string>& secrets) {
    cut_keys(text);
    cut_tokens(text);
    for (const std::string& secret : secrets) {
        if (secret.size() >= secret_min) replace_all(text, secret);
    }
    return text;
}

Files diagnostics(const std::string& config_folder) {
    Files files;
    add_machine(files);
    const std::string path = setup::ConfigFolder{config_folder}.daemon();
    const auto text = posix::read_file(path, file_max);
    std::vector<std::string> secrets;
    if (!text) {
        files["flocker.yml"] = text.error().message + "\n";
    } else {
        auto parsed = manifest::parse_daemon_config({path, *text});
        if (const auto* config = std::get_if<manifest::DaemonConfig>(&parsed)) {
            add_node(files, *config);
            if (const auto told = standby::last_told(*config)) {
                secrets = secrets_in(*told);
                files["assignment.json"] = codec::encode(without_secrets(*told)) + "\n";
            }
        } else {
            files["flocker.yml"] = manifest::to_text(std::get<std::vector<manifest::Diagnostic>>(parsed).front()) + "\n";
        }
    }
    for (auto& [name, content] : files) content = scrubbed(std::move(content), secrets);
    return files;
}

Status pack(const std::string& path, const std::string& name, const Files& files) {
    std::string folder = (std::filesystem::temp_directory_path() / "flocker-diagnostics-XXXXXX").string();
    if (!::mkdtemp(folder.data())) return fail(ErrorCode::unavailable, "no temporary folder can be made");
    const std::string prepared = folder + "/archive";
    auto done = [&]() -> Status {
        FLOCKER_CHECK_OK(write_all(std::filesystem::path(folder) / name, files));
        FLOCKER_CHECK_OK(setup::run_command(
            {"tar", "--create", "--gzip", "--owner=0", "--group=0", "--file", prepared, "--directory", folder, name}));
        FLOCKER_TRY(const std::string archive, posix::read_file(prepared, std::size_t{1} << 30U));
        return posix::write_file_atomically(path, archive, 0600);
    }();
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
    return done;
}

}  // namespace flocker::doctor
