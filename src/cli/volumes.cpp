// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "api/documents_json.hpp"
#include "cli/commands.hpp"
#include "cli/replicas_text.hpp"
#include "cli/text.hpp"

namespace flocker::cli {
namespace {

std::string used_text(const api::VolumeEntry& volume) {
    const api::CopyEntry& own = volume.copies.front();
    if (!own.present) return "";
    return volume.maximum_size ? fmt::format("{} of {}", to_text(own.used), to_text(*volume.maximum_size))
                               : to_text(own.used);
}

}  // namespace

int list_volumes(const Session& session) {
    const auto client = session.connect();
    if (!client) return session.fail_with(client.error());
    const auto document = client->volumes();
    if (!document) return session.fail_with(document.error());
    if (session.json()) {
        session.out() << api::to_json(*document) << std::endl;
        return exit_code::done;
    }
    if (document->volumes.empty()) {
        session.out() << "No volumes yet." << std::endl;
        return exit_code::done;
    }
    Table table({"VOLUME", "APPLICATION", "STATE", "NODE", "USED", "REPLICAS"});
    for (const api::VolumeEntry& volume : document->volumes) {
        table.add({volume.dataset.value, volume.application.value_or(""), volume_state(volume), volume.owner_node,
                   used_text(volume), replicas_text(volume)});
    }
    session.out() << table.text(session.look()) << std::flush;
    return exit_code::done;
}

int inspect_volume(const Session& session, const std::string& name) {
    const auto client = session.connect();
    if (!client) return session.fail_with(client.error());
    const auto volume = client->volume(name);
    if (!volume) return session.fail_with(volume.error());
    session.out() << (session.json() ? api::to_json(*volume) + "\n" : volume_text(*volume, session.look()))
                  << std::flush;
    return exit_code::done;
}

int list_snapshots(const Session& session, const std::string& name) {
    const auto client = session.connect();
    if (!client) return session.fail_with(client.error());
    const auto volume = client->volume(name);
    if (!volume) return session.fail_with(volume.error());
    session.out() << (session.json() ? snapshots_json(*volume) + "\n" : snapshots_text(*volume, session.look()))
                  << std::flush;
    return exit_code::done;
}

int remove_volume(const Session& session, const std::string& name, bool yes) {
    const auto client = session.connect();
    if (!client) return session.fail_with(client.error());
    const auto volume = client->volume(name);
    if (!volume) return session.fail_with(volume.error());
    if (!yes) {
        if (!session.world().in_is_terminal) {
            return session.fail_with(
                {ErrorCode::invalid_argument, "this destroys data; say --yes when nobody can be asked"});
        }
        std::size_t copies = 0;
        for (const api::CopyEntry& copy : volume->copies) copies += copy.present ? 1U : 0U;
        session.out() << fmt::format(
            "This destroys volume {} ({}, {}) for good. There is no way back.\n", volume->dataset.value,
            volume->copies.front().present ? to_text(volume->copies.front().used) : "size not known",
            copies == 1 ? "one copy" : fmt::format("{} copies", copies));
        if (session.ask(fmt::format("Type {} to go on: ", name)) != name) {
            session.err() << "flocker: that is something else; nothing was destroyed" << std::endl;
            return exit_code::failed;
        }
    }
    // By its id: what the name means can't change between the question and the deed.
    if (const Status done = client->destroy_volume(volume->dataset.value); !done)
        return session.fail_with(done.error());
    if (session.json()) {
        session.out() << fmt::format(R"({{"destroying":"{}"}})", volume->dataset.value) << std::endl;
    } else {
        session.out() << fmt::format("Volume {} is being destroyed.", volume->dataset.value) << std::endl;
    }
    return exit_code::done;
}

}  // namespace flocker::cli
