// SPDX-License-Identifier: Apache-2.0
//
// What the engine's API is told and what it tells, as JSON text and values.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "model/action.hpp"
#include "model/report.hpp"

namespace flocker::docker {

/// How an image says that it wants to be asked whether it is well.
struct HealthCheck {
    std::vector<std::string> command;  ///< With its shell, if it needs one.
    Duration limit{30s};               ///< For one run.

    friend bool operator==(const HealthCheck&, const HealthCheck&) = default;
};

/// A folder of this node, and where the container sees it.
struct VolumeBind {
    std::string source;
    std::string mountpoint;

    friend bool operator==(const VolumeBind&, const VolumeBind&) = default;
};

/// A container as the engine describes it.
struct Inspected {
    model::ContainerSeen seen;
    std::string name;
    bool running{false};
    int pid{0};  ///< Of its first process; 0: there is none.
    bool tty{false};
    std::string stop_signal{"SIGTERM"};
    Duration grace{10s};
    std::optional<HealthCheck> health;
    bool paused{false};
    bool gated{false};  ///< Its command waits at a gate after each start.
    std::optional<VolumeBind> volume;

    /// It has our name and our label: an image that was made from one of our containers has the
    /// label too.
    [[nodiscard]] bool is_ours() const;
};
[[nodiscard]] Result<Inspected> parse_container(const std::string& json);
/// The ids of ours in the engine's list.
[[nodiscard]] Result<std::vector<std::string>> parse_container_list(const std::string& json);
/// What the containers in the engine's list publish on this node.
[[nodiscard]] Result<std::vector<model::TakenPort>> parse_published(const std::string& json);
/// "repository:tag" of each image that has one.
[[nodiscard]] Result<std::set<std::string>> parse_image_list(const std::string& json);

/// What an image runs if nothing else is said.
struct ImageCommand {
    std::vector<std::string> entrypoint;
    std::vector<std::string> command;

    friend bool operator==(const ImageCommand&, const ImageCommand&) = default;
};
[[nodiscard]] Result<ImageCommand> parse_image_command(const std::string& json);

/// Stands before the command of a container.
struct Gate {
    std::string folder;  ///< Of this node; see Gates.
    ImageCommand image;
};
[[nodiscard]] std::string container_body(const model::ContainerSpec& spec, const std::optional<Gate>& gate);

/// A network as the engine describes it, as far as ours must be as we made it.
struct NetworkSeen {
    std::string driver;
    std::string subnet;
    std::string bridge;
    bool ours{false};  ///< It has our label.
    friend bool operator==(const NetworkSeen&, const NetworkSeen&) = default;
};
[[nodiscard]] std::string network_body(const std::string& subnet);
[[nodiscard]] Result<NetworkSeen> parse_network(const std::string& json);

[[nodiscard]] std::string exec_body(const std::vector<std::string>& command);
[[nodiscard]] Result<std::string> parse_exec_id(const std::string& json);
/// nullopt: it still runs.
[[nodiscard]] Result<std::optional<int>> parse_exec_code(const std::string& json);

/// The value of `filters` in a query, percent-encoded: containers with our label and, if given,
/// these events of them.
[[nodiscard]] std::string our_containers_filter(const std::vector<std::string>& events);

/// The reason in the body of a failure: {"message": "..."}, or the text itself.
[[nodiscard]] std::string message_of(const std::string& body);
/// The reason in the progress of a pull or a load (JSON values one after another); empty: it went well.
[[nodiscard]] std::string progress_error(std::string_view progress);

/// "library/redis:7" as a part of a path. The engine wants the slashes as they are.
[[nodiscard]] std::string image_in_path(const std::string& image);

}  // namespace flocker::docker
