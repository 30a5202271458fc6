// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "adapters/nftables/nft_session.hpp"
#include "adapters/nftables/ruleset.hpp"
#include "base/result.hpp"
#include "model/action.hpp"

namespace flocker::nftables {

/// The nft tables `ip flocker` and `bridge flocker` of a network namespace, and what we know to be in
/// them. A table made anew is one whose lease has run out; no other change touches the lease. Blocking;
/// one thread at a time, in that namespace.
class KernelRoutes {
public:
    /// Takes over the table that is there, or makes it. One of another shape is replaced in one
    /// transaction, with the same routes.
    [[nodiscard]] static Result<KernelRoutes> open();

    [[nodiscard]] const model::RouteTable& table() const { return table_; }
    /// One transaction of what differs; none if nothing does. `wanted` is valid. If somebody else
    /// changed the table in the meantime, that is undone with it.
    [[nodiscard]] Status commit(const model::RouteTable& wanted);
    /// Reads the tables, rules and all, and undoes what somebody else did to them.
    [[nodiscard]] Status verify();
    /// What somebody else had done to the tables and was undone since the last call; empty: nothing.
    [[nodiscard]] std::string take_found() { return std::exchange(found_, {}); }
    /// Whether this kernel has nftables for bridges: then there is a table `bridge flocker`.
    [[nodiscard]] bool bridged() const { return bridged_; }
    /// Transactions since open(), without those that made the table.
    [[nodiscard]] std::uint64_t transactions() const { return transactions_; }

private:
    KernelRoutes(NftSession nft, bool bridged) : nft_(std::move(nft)), bridged_(bridged) {}
    struct Seen {
        Listing listing;
        std::string lacking;  ///< Why it is not complete.
    };
    [[nodiscard]] Result<Seen> read();
    [[nodiscard]] Status install(const model::RouteTable& table);
    [[nodiscard]] std::string elements(const model::RouteTable& from, const model::RouteTable& to) const;
    [[nodiscard]] Status change(const model::RouteTable& from, const model::RouteTable& to);

    NftSession nft_;
    bool bridged_;
    model::RouteTable table_;
    std::string found_;
    std::uint64_t transactions_{0};
};

}  // namespace flocker::nftables
