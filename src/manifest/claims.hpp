// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <utility>

#include "manifest/diagnostic.hpp"

namespace flocker::manifest {

/// Who was the first to use something that only one may use.
template <class Key>
class Claims {
public:
    struct Claim {
        std::string owner;  ///< As a message names it.
        Location location;
    };

    /// nullptr: `key` is `owner`'s now. Otherwise whose it is; it stays so.
    [[nodiscard]] const Claim* claim(const Key& key, std::string owner, Location location) {
        const auto [found, added] = claims_.try_emplace(key, Claim{std::move(owner), std::move(location)});
        return added ? nullptr : &found->second;
    }

private:
    std::map<Key, Claim> claims_;
};

}  // namespace flocker::manifest
