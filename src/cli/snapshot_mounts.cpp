// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "cli/commands.hpp"
#include "cli/text.hpp"
#include "codec/json_text.hpp"

namespace flocker::cli {
namespace {

using api::CopyEntry;
using api::VolumeEntry;

std::string quoted(const std::string& text) {
    std::string json;
    codec::append_json_string(json, text);
    return json;
}

/// Names of what a node reports, the newest first.
std::vector<std::string> names_on(const CopyEntry& copy) {
    std::vector<std::string> names;
    for (const auto& snapshot : copy.snapshots) names.push_back(to_text(snapshot.id));
    for (const auto& aside : copy.set_aside) names.push_back("aside-" + to_text(aside.id));
    std::ranges::reverse(names);
    return names;
}

bool is_on(const CopyEntry& copy, const std::string& snapshot) {
    const auto names = names_on(copy);
    return std::ranges::find(names, snapshot) != names.end() ||
           std::ranges::find(names, "aside-" + snapshot) != names.end();
}

/// Why a snapshot that is not on this node is not: it is elsewhere, or there is none of that name.
Error explained(const VolumeEntry& volume, const MountOptions& options, const std::string& here, Error error) {
    std::vector<std::string> elsewhere;
    std::string there_is;
    for (const CopyEntry& copy : volume.copies) {
        // Its path is what was not found, then, or it has just gone.
        if (is_on(copy, options.snapshot) && copy.node == here) return error;
        if (is_on(copy, options.snapshot)) elsewhere.push_back(copy.node);
        const auto names = names_on(copy);
        if (copy.node == here) there_is = fmt::format("{}", fmt::join(names, ", "));
    }
    if (!elsewhere.empty()) {
        return {ErrorCode::not_found, fmt::format("{} is not on {}, this node: it is on {}; run this there",
                                                  options.snapshot, here, fmt::join(elsewhere, " and on "))};
    }
    return {ErrorCode::not_found,
            fmt::format("there is no snapshot {} of {}; on {}, this node, {}", options.snapshot, options.volume, here,
                        there_is.empty() ? "there is none of it" : "there is " + there_is)};
}

Result<VolumeEntry> volume_of(const Session& session, const std::string& name) {
    FLOCKER_TRY(const api::Client client, session.connect());
    return client.volume(name);
}

}  // namespace

int mount_snapshot(const Session& session, const MountOptions& options) {
    const OwnNode& own = session.world().own_node;
    const auto here = own.name(options.config_folder);
    if (!here) return session.fail_with(here.error());
    const auto volume = volume_of(session, options.volume);
    // Who knows the volume's id needs no control service to look into what is here.
    if (!volume && !model::is_uuid(options.volume)) return session.fail_with(volume.error());
    const model::DatasetId dataset = volume ? volume->dataset : model::DatasetId{options.volume};
    const Status mounted = own.mount(options.config_folder, dataset, options.snapshot, options.path);
    if (!mounted && mounted.error().code == ErrorCode::not_found && volume)
        return session.fail_with(explained(*volume, options, *here, mounted.error()));
    if (!mounted) return session.fail_with(mounted.error());
    if (session.json()) {
        session.out() << fmt::format(R"({{"mounted":{},"volume":"{}","snapshot":{},"node":{}}})", quoted(options.path),
                                     dataset.value, quoted(options.snapshot), quoted(*here))
                      << std::endl;
    } else {
        session.out() << fmt::format("{} of {} is at {}, read-only. When you are done: flocker volume umount {}",
                                     options.snapshot, printable(options.volume), printable(options.path),
                                     printable(options.path))
                      << std::endl;
    }
    return exit_code::done;
}

int unmount_snapshot(const Session& session, const std::string& path) {
    if (const Status done = session.world().own_node.unmount(path); !done) return session.fail_with(done.error());
    session.out() << (session.json() ? fmt::format(R"({{"unmounted":{}}})", quoted(path))
                                     : fmt::format("Nothing is mounted at {} any more.", printable(path)))
                  << std::endl;
    return exit_code::done;
}

}  // namespace flocker::cli
