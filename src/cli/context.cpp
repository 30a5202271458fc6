// SPDX-License-Identifier: Apache-2.0
#include "cli/context.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "adapters/posix/files.hpp"
#include "cli/input_file.hpp"
#include "codec/json_text.hpp"
#include "manifest/value.hpp"

namespace flocker::cli {
namespace {

namespace fs = std::filesystem;

constexpr const char* default_name = "default";
constexpr std::size_t text_max = std::size_t{64} << 10U;
constexpr std::size_t name_max = 63;

bool is_there(const std::string& path) {
    std::error_code ignored;
    return fs::exists(path, ignored);
}

bool is_name(const std::string& name) {
    return !name.empty() && name.size() <= name_max && name.front() != '.' && std::ranges::all_of(name, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
               c == '.';
    });
}

std::string joined(const std::vector<manifest::Diagnostic>& problems) {
    std::string text;
    for (const auto& problem : problems) text += (text.empty() ? "" : "\n") + to_text(problem);
    return text;
}

Status read_control(const manifest::Value& value, Access& access) {
    const std::string& text = value.text;
    const auto colon = text.rfind(':');
    access.address = text.substr(0, colon);
    if (colon != std::string::npos) {
        unsigned port = 0;
        const auto [end, error] = std::from_chars(text.data() + colon + 1, text.data() + text.size(), port);
        if (error != std::errc{} || end != text.data() + text.size() || port == 0 || port > 65535)
            access.address.clear();
        access.port = static_cast<std::uint16_t>(port);
    }
    if (!access.address.empty()) return {};
    return fail(ErrorCode::invalid_argument, "control must be an address and a port, like 10.0.0.1:4523");
}

Result<std::string> read_pem(const std::string& written, const fs::path& folder) {
    if (written.starts_with("-----BEGIN")) return written;
    return read_input_file((folder / written).string(), text_max);
}

}  // namespace

Result<Access> load_context(const std::string& path) {
    FLOCKER_TRY(const std::string text, read_input_file(path, 4 * text_max));
    manifest::Problems problems(path);
    const auto root = manifest::load_yaml({path, text}, problems);
    if (!problems.empty()) return fail(ErrorCode::invalid_argument, joined(problems.found()));
    if (!root || root->kind != manifest::Value::Kind::map) {
        return fail(ErrorCode::invalid_argument, path + ": a context has control, ca, certificate and key");
    }
    Access access;
    const auto need = [&](const char* key) -> Result<const manifest::Value*> {
        const manifest::Value* value = root->find(key);
        if (value && value->is_scalar()) return value;
        return fail(ErrorCode::invalid_argument,
                    fmt::format("{}: {} is missing; a context has control, ca, certificate and key", path, key));
    };
    FLOCKER_TRY(const auto* control, need("control"));
    if (const Status read = read_control(*control, access); !read) return fail_in(path, read.error());
    access.memory = path + ".nodes";
    const fs::path folder = fs::path(path).parent_path();
    for (const auto& [key, into] :
         {std::pair{"ca", &access.authority}, {"certificate", &access.certificate}, {"key", &access.key}}) {
        FLOCKER_TRY(const auto* value, need(key));
        FLOCKER_TRY(*into, read_pem(value->text, folder));
    }
    return access;
}

std::string to_json(const Access& access) {
    std::string out;
    const auto member = [&](const char* key, const std::string& value) {
        out += (out.empty() ? "{" : ",") + fmt::format("\"{}\":", key);
        codec::append_json_string(out, value);
    };
    member("control", fmt::format("{}:{}", access.address, access.port));
    member("ca", access.authority);
    member("certificate", access.certificate);
    member("key", access.key);
    return out + "}\n";
}

std::string Contexts::current() const {
    if (user_folder_.empty()) return {};
    auto text = posix::read_file(user_folder_ + "/current", name_max + 1).value_or("");
    text.erase(std::min(text.find_last_not_of(" \n") + 1, text.size()));
    return text;
}

std::vector<ContextEntry> Contexts::list() const {
    std::vector<ContextEntry> entries;
    if (is_there(system_file_)) entries.push_back({default_name, system_file_, false});
    std::error_code none;
    if (!user_folder_.empty()) {
        for (const auto& file : fs::directory_iterator(folder(), none)) {
            const std::string kind = file.path().extension().string();
            if (kind != ".json" && kind != ".yml" && kind != ".yaml") continue;
            entries.push_back({file.path().stem().string(), file.path().string(), false});
        }
    }
    std::ranges::sort(entries, {},
                      [](const ContextEntry& entry) { return std::pair(entry.name != default_name, entry.name); });
    const std::string wished = current();
    auto in_use = std::ranges::find(entries, wished.empty() ? std::string(default_name) : wished, &ContextEntry::name);
    if (in_use == entries.end() && wished.empty() && entries.size() == 1) in_use = entries.begin();
    if (in_use != entries.end()) in_use->in_use = true;
    return entries;
}

Result<ContextEntry> Contexts::find(const std::optional<std::string>& wished) const {
    const auto entries = list();
    if (!wished) {
        const auto in_use = std::ranges::find(entries, true, &ContextEntry::in_use);
        if (in_use != entries.end()) return *in_use;
        if (entries.empty()) {
            return fail(ErrorCode::not_found,
                        fmt::format("no cluster is known here: there is no {}; run `flocker init` or `flocker join` "
                                    "on this machine, or bring a context with `flocker context import FILE`",
                                    system_file_));
        }
        return fail(ErrorCode::not_found,
                    "several clusters are known and none is in use; choose one with `flocker context use NAME`");
    }
    const auto named = std::ranges::find(entries, *wished, &ContextEntry::name);
    if (named != entries.end()) return *named;
    if (wished->find('/') != std::string::npos || is_there(*wished))
        return ContextEntry{fs::path(*wished).stem().string(), *wished, true};
    return fail(ErrorCode::not_found,
                fmt::format("no context is called \"{}\"; `flocker context ls` lists them", *wished));
}

Status Contexts::use(const std::string& name) const {
    FLOCKER_TRY(const ContextEntry entry, find(name));
    if (entry.name != name)
        return fail(ErrorCode::not_found,
                    fmt::format("{} is a file; bring it with `flocker context import {}`", name, name));
    if (user_folder_.empty())
        return fail(ErrorCode::unavailable, "neither HOME nor XDG_CONFIG_HOME says where to keep it");
    std::error_code error;
    fs::create_directories(user_folder_, error);
    return posix::write_file_atomically(user_folder_ + "/current", name + "\n", 0600);
}

Status Contexts::add(const std::string& name, const Access& access) const {
    if (!is_name(name) || name == default_name) {
        return fail(ErrorCode::invalid_argument,
                    fmt::format("a context can't be called \"{}\"; use letters, digits, '-', '_' and '.'", name));
    }
    if (user_folder_.empty())
        return fail(ErrorCode::unavailable, "neither HOME nor XDG_CONFIG_HOME says where to keep it");
    const auto entries = list();
    if (std::ranges::find(entries, name, &ContextEntry::name) != entries.end()) {
        return fail(ErrorCode::already_exists,
                    fmt::format("a context is called \"{}\" already; choose another with --name", name));
    }
    std::error_code error;
    fs::create_directories(folder(), error);
    fs::permissions(folder(), fs::perms::owner_all, error);
    return posix::write_file_atomically(folder() + "/" + name + ".json", to_json(access), 0600);
}

}  // namespace flocker::cli
