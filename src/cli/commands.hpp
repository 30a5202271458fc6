// SPDX-License-Identifier: Apache-2.0
//
// The commands, one function each. All return the exit code.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/session.hpp"

namespace flocker::cli {

struct FollowOptions {
    bool dry_run{false};
    bool detach{false};
    Duration timeout{10min};
};
struct DeployOptions {
    std::string deployment_file;
    std::string application_file;
    bool yes{false};
    FollowOptions follow{};
};
[[nodiscard]] int deploy(const Session& session, const DeployOptions& options);

struct MoveOptions {
    std::string application;
    std::string node;
    bool plan{false};  ///< Only say what it will cost.
    bool cancel{false};  ///< Call off the one under way; `node` is not said.
    std::optional<Duration> downtime_max{};
    FollowOptions follow{};
};
[[nodiscard]] int move(const Session& session, const MoveOptions& options);

/// `application`: its moves only.
[[nodiscard]] int list_moves(const Session& session, const std::optional<std::string>& application);

struct FailoverOptions {
    std::string application;
    std::optional<std::string> node{};
    bool yes{false};
    FollowOptions follow{};
};
[[nodiscard]] int failover(const Session& session, const FailoverOptions& options);

[[nodiscard]] int status(const Session& session);
[[nodiscard]] int why(const Session& session, const std::string& name);
[[nodiscard]] int version(const Session& session, bool client_only);

struct LogsOptions {
    std::string application;
    std::uint32_t tail{100};
    bool follow{false};
};
[[nodiscard]] int logs(const Session& session, const LogsOptions& options);
[[nodiscard]] int events(const Session& session, std::uint32_t latest, bool follow);

[[nodiscard]] int list_volumes(const Session& session);
[[nodiscard]] int inspect_volume(const Session& session, const std::string& name);
[[nodiscard]] int list_snapshots(const Session& session, const std::string& name);
[[nodiscard]] int remove_volume(const Session& session, const std::string& name, bool yes);

struct VerifyOptions {
    std::string volume;
    std::string replica;  ///< Its node; empty: all.
};
[[nodiscard]] int verify_volume(const Session& session, const VerifyOptions& options);

struct RemoveAsideOptions {
    std::string volume;
    std::string snapshot;
    std::string node;  ///< Empty: wherever it is.
    bool yes{false};
};
[[nodiscard]] int remove_aside(const Session& session, const RemoveAsideOptions& options);

struct MountOptions {
    std::string volume;
    std::string snapshot;
    std::string path;
    std::string config_folder{"/etc/flocker"};
};
[[nodiscard]] int mount_snapshot(const Session& session, const MountOptions& options);
[[nodiscard]] int unmount_snapshot(const Session& session, const std::string& path);

/// Fails if a finding does.
[[nodiscard]] int doctor(const Session& session, const std::string& config_folder);
/// `file` empty: named after the node and the moment, here.
[[nodiscard]] int diagnostics(const Session& session, const std::string& file, const std::string& config_folder);

[[nodiscard]] int list_nodes(const Session& session);
[[nodiscard]] int remove_node(const Session& session, const std::string& name, bool yes);

struct DrainOptions {
    std::string node;
    bool yes{false};
    FollowOptions follow{};
};
[[nodiscard]] int drain_node(const Session& session, const DrainOptions& options);
/// `words`: KEY VALUE KEY VALUE …
[[nodiscard]] int change_node(const Session& session, const std::string& name, const std::vector<std::string>& words);
[[nodiscard]] int activate_node(const Session& session, const std::string& name);

[[nodiscard]] int show_settings(const Session& session);
/// `words`: KEY VALUE KEY VALUE …
[[nodiscard]] int change_settings(const Session& session, const std::vector<std::string>& words);

[[nodiscard]] int create_token(const Session& session, std::optional<Duration> lifetime);
[[nodiscard]] int list_tokens(const Session& session);
[[nodiscard]] int revoke_token(const Session& session, const std::string& id);

[[nodiscard]] int list_contexts(const Session& session);
[[nodiscard]] int use_context(const Session& session, const std::string& name);
/// `bundle`: the whole of it, key included, to be imported elsewhere.
[[nodiscard]] int show_context(const Session& session, bool bundle);
[[nodiscard]] int import_context(const Session& session, const std::string& file, const std::string& name);

}  // namespace flocker::cli
