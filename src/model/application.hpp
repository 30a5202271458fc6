// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "base/time.hpp"
#include "model/bandwidth.hpp"
#include "model/ids.hpp"
#include "model/port.hpp"

namespace flocker::model {

/// What the container finds in its environment about another application.
struct Link {
    std::uint16_t local_port{0};   ///< The port in the variables' names.
    std::uint16_t remote_port{0};  ///< The external port that the variables point to.
    std::string alias;             ///< As written; the variables have it in upper case, '-' as '_'.

    friend auto operator<=>(const Link&, const Link&) = default;
};

/// Where replicas go first.
enum class Spread : std::uint8_t {
    datacenter,  ///< Into other data centers than the owner's, as far as there are any.
    anywhere,    ///< To the nodes with most room.
};
[[nodiscard]] const char* to_string(Spread spread);

/// What becomes of an application when its owner is lost.
enum class Failover : std::uint8_t {
    manual,     ///< It waits for the owner, or for `flocker failover`.
    automatic,  ///< A replica takes over. The owner serves only under a lease.
};
[[nodiscard]] const char* to_string(Failover failover);

struct Volume {
    DatasetId dataset;       ///< From the manifest, or derived from the application's name there.
    std::string mountpoint;  ///< Absolute path in the container.
    std::optional<Bytes> maximum_size;
    std::optional<std::uint32_t> replicas;  ///< Beside the owner's copy. nullopt: the cluster's default.
    std::optional<Duration> lag{};          ///< How far a replica may be behind. nullopt: the cluster's default.
    Spread spread{Spread::datacenter};
    std::optional<Bandwidth> bandwidth{};   ///< Of what goes to its replicas. nullopt: its node's only.

    friend bool operator==(const Volume&, const Volume&) = default;
};

struct RestartPolicy {
    enum class Name : std::uint8_t { never, always, on_failure };
    Name name{Name::never};
    /// Only with on_failure; nullopt: without a limit.
    std::optional<std::uint32_t> maximum_retry_count;

    friend bool operator==(const RestartPolicy&, const RestartPolicy&) = default;
};

/// How an application ends in a cutover.
enum class Cutover : std::uint8_t {
    stop,    ///< Its stop signal, then its grace period.
    freeze,  ///< All its processes end at the same moment: its volume is as after a crash of the application.
};
[[nodiscard]] const char* to_string(Cutover cutover);

/// One named container specification from the application manifest.
struct Application {
    ApplicationName name;
    std::string image;  ///< "repository:tag"; the tag is always written.
    std::vector<Port> ports;
    std::vector<Link> links;
    std::optional<Volume> volume;
    std::map<std::string, std::string> environment;
    RestartPolicy restart_policy;
    std::optional<Bytes> mem_limit;
    std::optional<std::uint32_t> cpu_shares;
    /// Replaces the image's command; nullopt keeps it.
    std::optional<std::vector<std::string>> command;
    /// Its command waits at a gate until this node may write the volume.
    bool gate{true};
    /// Run in the container before a cutover, while it still serves. nullopt: what is known to be good
    /// for the image (plan/hooks); empty: nothing.
    std::optional<std::vector<std::string>> before_move;
    Cutover cutover{Cutover::stop};
    std::optional<Failover> failover{};  ///< nullopt: the cluster's default.

    friend bool operator==(const Application&, const Application&) = default;
};

/// Whether both describe the same container: equal but for the restart policy and what happens in
/// a cutover, which the agent serves, and the volume's size, replicas and bandwidth, which belong to the dataset.
[[nodiscard]] bool same_container(const Application& a, const Application& b);

}  // namespace flocker::model
