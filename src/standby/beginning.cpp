// SPDX-License-Identifier: Apache-2.0
#include "standby/beginning.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include "adapters/posix/files.hpp"
#include "adapters/sqlite/state_store.hpp"
#include "codec/json.hpp"
#include "plan/takeover.hpp"
#include "setup/layout.hpp"
#include "standby/follower.hpp"
#include "standby/place.hpp"

namespace flocker::standby {
namespace {

/// nullopt: there is no file, nor what is left of one.
Result<std::optional<model::Records>> read_records(const std::string& path) {
    const auto is_there = [](const std::string& file) { return ::access(file.c_str(), F_OK) == 0; };
    if (!is_there(path) && !is_there(path + "-wal")) return std::nullopt;
    FLOCKER_TRY(auto records, sqlite::read_file_of_records(path));
    return std::optional(std::move(records));
}

}  // namespace

std::optional<model::Assignment> last_told(const manifest::DaemonConfig& config) {
    const auto text = posix::read_file(setup::StateFolder{config.state}.assignment(), codec::text_max);
    if (!text) return std::nullopt;
    auto told = codec::decode<model::Assignment>(*text);
    // Of a node that this machine was before.
    if (!told || told->node != config.node.id) return std::nullopt;
    return *std::move(told);
}

std::string what_is_wrong(const std::optional<model::Records>& records, std::uint64_t term,
                          const std::optional<model::Assignment>& told) {
    const std::uint64_t revision = told ? told->revision.value : 0;
    if (!records) {
        if (term == 0 && revision == 0) return {};
        return revision == 0 ? "is gone" : fmt::format("is gone, and this node has been told revision {} of it", revision);
    }
    if (plan::term_of(records->revision) < term) {
        return "is of before a takeover or a restore that this node knows of: a restore broke off, or an old file was put there";
    }
    if (records->revision.value < revision) {
        return fmt::format("is older (revision {}) than what this node was told by it (revision {}): an old file was put there",
                           records->revision.value, revision);
    }
    return {};
}

Status check_records(const manifest::DaemonConfig& config, const model::ControlPlace& place) {
    const std::string path = setup::StateFolder{config.state}.records();
    FLOCKER_TRY(const auto records, read_records(path));
    const std::string wrong = what_is_wrong(records, place.term, last_told(config));
    if (!wrong.empty()) return tl::unexpected(sqlite::records_unusable(path, wrong));
    return {};
}

Result<Beginning> begin(const manifest::DaemonConfig& config, const tls::TlsContext& identity) {
    Beginning beginning;
    FLOCKER_TRY(beginning.place, read_place(config));
    if (is_here(config, beginning.place)) {
        const auto told = last_told(config);
        const auto records = read_records(setup::StateFolder{config.state}.records());
        std::vector<model::Node> members = told ? told->nodes : std::vector<model::Node>{};
        if (records && *records) {
            members.clear();
            for (const auto& [id, node] : (*records)->nodes) members.push_back(node);
        }
        // This node may have been away while another one took its place.
        FLOCKER_TRY(const auto newer, find_newer_place(config, beginning.place, identity, members));
        if (!newer) {
            FLOCKER_CHECK_OK(check_records(config, beginning.place));
        } else {
            beginning.place = *newer;
        }
    }
    if (!is_here(config, beginning.place)) {
        FLOCKER_TRY(beginning.set_aside, set_old_records_aside(config, beginning.place));
    }
    return beginning;
}

}  // namespace flocker::standby
