// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <mutex>
#include <string>

#include "adapters/docker/api.hpp"
#include "base/result.hpp"

namespace flocker::docker {

/// Our bridge network in the engine.
///
/// Threads: any. Blocking.
class Network {
public:
    /// `subnet`: "10.201.3.0/24". Its first address is the bridge's own. `api` outlives this.
    Network(Api& api, std::string subnet);

    /// A call that needs the network; makes it when it is missing.
    [[nodiscard]] Result<http::Response> call(const Call& call);

private:
    [[nodiscard]] Status ensure();
    [[nodiscard]] Status create();
    /// Somebody removed it, or says so.
    void forget();

    Api& api_;
    const std::string subnet_;
    std::mutex mutex_;
    bool known_{false};
};

}  // namespace flocker::docker
