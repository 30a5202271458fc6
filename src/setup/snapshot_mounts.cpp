// SPDX-License-Identifier: Apache-2.0
#include "setup/snapshot_mounts.hpp"

#include <unistd.h>

#include <variant>

#include "adapters/btrfs/snapshot_view.hpp"
#include "adapters/posix/files.hpp"
#include "manifest/daemon_config.hpp"
#include "setup/layout.hpp"

namespace flocker::setup {
namespace {

constexpr std::size_t file_max = std::size_t{1} << 20U;

Result<manifest::DaemonConfig> config_in(const std::string& folder) {
    const std::string path = ConfigFolder{folder}.daemon();
    const auto text = posix::read_file(path, file_max);
    if (!text && text.error().code == ErrorCode::not_found)
        return fail(ErrorCode::not_found, "this machine is no node: there is no " + path + "; run this on a node");
    if (!text) return tl::unexpected(text.error());
    auto parsed = manifest::parse_daemon_config({path, *text});
    if (auto* config = std::get_if<manifest::DaemonConfig>(&parsed)) return std::move(*config);
    return fail(ErrorCode::corrupt, to_text(std::get<std::vector<manifest::Diagnostic>>(parsed).front()));
}

Status need_root() {
    if (::geteuid() == 0) return {};
    return fail(ErrorCode::denied, "only root can mount and unmount a snapshot: run this with sudo");
}

}  // namespace

Result<std::string> own_name(const std::string& config_folder) {
    FLOCKER_CHECK_OK(need_root());
    FLOCKER_TRY(const manifest::DaemonConfig config, config_in(config_folder));
    return config.node.name;
}

Status mount_snapshot(const std::string& config_folder, const model::DatasetId& dataset, const std::string& snapshot,
                      const std::string& path) {
    FLOCKER_CHECK_OK(need_root());
    FLOCKER_TRY(const manifest::DaemonConfig config, config_in(config_folder));
    return btrfs::mount_snapshot(config.pool, dataset, snapshot, path);
}

Status unmount_snapshot(const std::string& path) {
    FLOCKER_CHECK_OK(need_root());
    return btrfs::unmount_snapshot(path);
}

}  // namespace flocker::setup
