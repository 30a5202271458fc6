// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "adapters/tls/authority.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"
#include "ports/enrollment.hpp"
#include "setup/layout.hpp"

namespace flocker::setup {

/// How a machine becomes a node, and where its things go. Empty: found out, or the usual place.
struct NodeOptions {
    std::string name;      ///< Default: the hostname's first label.
    std::string address;   ///< Default: the address of the machine's way to the outside.
    std::string datacenter;
    std::map<std::string, std::string> labels;
    ConfigFolder config{"/etc/flocker"};
    StateFolder state{"/var/lib/flocker"};
    std::string volumes{"/flocker"};
    std::string engine{"unix:///var/run/docker.sock"};
    std::string subnet{"10.213.0.0/16"};
    std::string pool;              ///< A mounted btrfs; empty: a file of `pool_size` in the state folder.
    std::optional<Bytes> pool_size;
    std::uint16_t port{4523};        ///< First node only.
    std::uint16_t agent_port{4524};  ///< First node only.
    std::uint16_t data_port{4525};
};

struct InitResult {
    std::string join_token;
    std::string control;  ///< "address:port"
};

/// All that is wrong with the options on this machine, at once; nothing is touched. Fills in what was
/// left empty.
[[nodiscard]] std::vector<std::string> complete(NodeOptions& options);

/// The first node: the CA, this node's and the control service's identity, the first user, the pool,
/// the configuration, a join token. After a failure it can be called again.
/// Errors: already_exists (this machine is a node), unavailable.
[[nodiscard]] Result<InitResult> initialise(const NodeOptions& options, const std::string& cluster, Duration token_lifetime);

/// What a node needs to be the control service: the CA's key, an identity, and where there is none yet the user
/// "admin" and a context of this machine. Repeating: new certificates.
[[nodiscard]] Status make_control_identity(const ConfigFolder& config, const tls::Authority& authority,
                                           const std::string& address, std::uint16_t port);

/// Sends the request to the cluster that the token names; the answer may be believed (pinned CA).
using SendJoin = std::function<Result<ports::JoinAnswer>(const ports::JoinRequest&)>;

/// A further node. Nothing is written before the cluster has said yes, but the pool.
[[nodiscard]] Status join(const NodeOptions& options, const std::string& control_address, std::uint16_t agent_port,
                          const std::string& token, const SendJoin& send);

}  // namespace flocker::setup
