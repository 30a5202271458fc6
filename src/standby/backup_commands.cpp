// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <iostream>

#include "adapters/posix/files.hpp"
#include "adapters/tls/private_file.hpp"
#include "codec/json_text.hpp"
#include "standby/backup.hpp"
#include "standby/commands.hpp"
#include "standby/restore.hpp"
#include "usage/read_shape.hpp"

namespace flocker::standby {
namespace {

constexpr int failed = 1;
constexpr int refused = 2;

struct Wishes {
    std::string file;
    std::string folder{"/etc/flocker"};
    bool yes{false};
    bool json{false};
};

Instant wall_clock() {
    return {std::chrono::duration_cast<Duration>(std::chrono::system_clock::now().time_since_epoch()).count()};
}

std::string quoted(const std::string& text) {
    std::string out;
    codec::append_json_string(out, text);
    return out;
}

int complain(const char* command, const Error& error) {
    fmt::print(stderr, "flocker {}: {}\n", command, error.message);
    return error.code == ErrorCode::invalid_argument ? refused : failed;
}

std::string content_text(const Backup& backup) {
    const auto counted = [](std::size_t count, const char* noun) {
        return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
    };
    std::size_t volumes = 0;
    for (const auto& [subject, ownership] : backup.records.ownerships) volumes += ownership.dataset ? 1U : 0U;
    return fmt::format("{}, {} and {}", counted(backup.records.nodes.size(), "node"),
                       counted(backup.records.configuration.size(), "application"), counted(volumes, "volume"));
}

int back_up(const Wishes& wishes) {
    const auto node = read_own_node(wishes.folder);
    if (!node) return complain("backup", node.error());
    const auto taken = take_backup(*node, wall_clock());
    if (!taken) return complain("backup", taken.error());
    if (!taken->from_file.empty()) {
        fmt::print(stderr, "flocker backup: {}, of revision {}\n", taken->from_file, taken->backup.head.revision.value);
    }
    const std::string text = to_text(taken->backup);
    if (wishes.file == "-") {
        const bool whole = std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
        return whole ? 0 : complain("backup", {ErrorCode::unavailable, "not all of it could be written to the standard output"});
    }
    if (const Status written = tls::write_private(wishes.file, text); !written) return complain("backup", written.error());
    if (wishes.json) {
        fmt::print("{{\"file\":{},\"revision\":{},\"made\":{},\"bytes\":{},\"of_this_moment\":{}}}\n", quoted(wishes.file),
                   taken->backup.head.revision.value, taken->backup.head.made.unix_ns, text.size(), taken->from_file.empty());
    } else {
        fmt::print("{} holds the records of revision {}: {}.\nValues of environment variables are among them: keep it secret.\n",
                   wishes.file, taken->backup.head.revision.value, content_text(taken->backup));
    }
    return 0;
}

bool agrees() {
    fmt::print("\nRestore? [y/N] ");
    std::fflush(stdout);
    std::string line;
    return std::getline(std::cin, line) && (line == "y" || line == "Y" || line == "yes");
}

void tell_what_is_ahead(const Backup& backup, const RestoreSituation& situation, const std::string& file) {
    fmt::print("{} is of {}, revision {}: {}.\n", file, to_utc_text(backup.head.made), backup.head.revision.value,
               content_text(backup));
    if (situation.own) {
        const bool newer = *situation.own > backup.head.revision;
        fmt::print("The records that are here can be read and are of revision {}{}; they are kept beside.\n",
                   situation.own->value, newer ? ", newer than the backup" : "");
    }
    if (!situation.own_fault.empty()) fmt::print("What is here is not usable: {}.\n", situation.own_fault);
    fmt::print("What was deployed, set and taken out after the backup is not known any more. Owners are: each node says what is\n"
               "on its pool, and the highest epoch is the truth. No data is overwritten.\n");
    for (const std::string& note : situation.notes) fmt::print("- {}\n", note);
}

int put_back(const Wishes& wishes) {
    const auto node = read_own_node(wishes.folder);
    if (!node) return complain("restore", node.error());
    auto text = posix::read_file(wishes.file, backup_max);
    if (!text) {
        const bool too_long = text.error().code == ErrorCode::corrupt;
        return complain("restore", {too_long ? ErrorCode::invalid_argument : text.error().code, text.error().message});
    }
    const auto backup = parse_backup(*text);
    if (!backup) return complain("restore", {backup.error().code, wishes.file + ": " + backup.error().message});
    const RestoreSituation situation = look_before_restore(*node, *backup);
    for (const std::string& reason : situation.against) fmt::print(stderr, "flocker restore: {}\n", reason);
    if (!situation.against.empty()) return refused;
    if (!wishes.json) tell_what_is_ahead(*backup, situation, wishes.file);
    if (!wishes.yes && (wishes.json || ::isatty(STDIN_FILENO) == 0 || !agrees())) {
        fmt::print(stderr, "flocker restore: nothing was changed; --yes restores without a question\n");
        return refused;
    }
    const auto restored = restore(*node, *backup, situation, wall_clock());
    if (!restored) return complain("restore", restored.error());
    if (wishes.json) {
        fmt::print("{{\"restored\":{},\"revision\":{},\"set_aside\":{}}}\n", backup->head.revision.value,
                   restored->revision.value, restored->set_aside.empty() ? "null" : quoted(restored->set_aside));
        return 0;
    }
    fmt::print("Restored.{}\nStart flockerd (systemctl start flockerd), see `flocker status` and `flocker events`, and deploy "
               "again what was\ndeployed after the backup: volumes are found where they are.\n",
               restored->set_aside.empty() ? "" : fmt::format(" The former records are kept as {}.", restored->set_aside));
    return 0;
}

int parsed(CLI::App& app, const std::vector<std::string>& arguments) {
    try {
        app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : refused;
    }
    return -1;
}

struct BackupCommand {
    BackupCommand() {
        app.add_option("FILE", wishes.file, "Replaced whole, readable by root alone; - is the standard output")->required();
        app.add_option("--config-dir", wishes.folder, "This node's configuration")->type_name("FOLDER")->capture_default_str();
        app.add_flag("--json", wishes.json, "Answer with one JSON object; not with -");
    }

    CLI::App app{"Writes one consistent copy of the control service's records: nodes, settings, applications, who owns\n"
                 "what, events. Volumes are not in it, nor the keys in /etc/flocker. Run on any node, as root; nothing is\n"
                 "stopped for it.\n\n"
                 "  flocker backup /backup/flocker.json\n"
                 "  flocker backup - | gpg --encrypt -r ops > flocker.json.gpg",
                 "flocker backup"};
    Wishes wishes;
};

struct RestoreCommand {
    RestoreCommand() {
        app.add_option("FILE", wishes.file, "What `flocker backup` has written")->required();
        app.add_flag("-y,--yes", wishes.yes, "Do not ask; needed when nobody can be asked");
        app.add_option("--config-dir", wishes.folder, "This node's configuration")->type_name("FOLDER")->capture_default_str();
        app.add_flag("--json", wishes.json, "Answer with one JSON object");
    }

    CLI::App app{"Puts a backup of the control service's records in force: when they are damaged, and no other node has a\n"
                 "newer copy (then `flocker control takeover` there). Run on the node of the control service, as root,\n"
                 "while flockerd is stopped there. Applications run on meanwhile.\n\n"
                 "  systemctl stop flockerd\n"
                 "  flocker restore /backup/flocker.json\n"
                 "  systemctl start flockerd\n\n"
                 "The backup may be of any age: each node says what is on its pool, and who owns a volume at the highest\n"
                 "epoch goes on owning it. The former records are kept beside.",
                 "flocker restore"};
    Wishes wishes;
};

}  // namespace

usage::CommandShape backup_shape() { return usage::shape_of(BackupCommand().app); }
usage::CommandShape restore_shape() { return usage::shape_of(RestoreCommand().app); }

int run_backup(const std::vector<std::string>& arguments) {
    BackupCommand command;
    const int code = parsed(command.app, arguments);
    return code >= 0 ? code : back_up(command.wishes);
}

int run_restore(const std::vector<std::string>& arguments) {
    RestoreCommand command;
    const int code = parsed(command.app, arguments);
    return code >= 0 ? code : put_back(command.wishes);
}

}  // namespace flocker::standby
