// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "adapters/nftables/nft_session.hpp"
#include "adapters/nftables/ruleset.hpp"
#include "base/result.hpp"
#include "model/action.hpp"

namespace flocker::nftables {

/// The nft table `ip flocker` of a network namespace, and what we know to be in it. Blocking; one
/// thread at a time, in that namespace.
class KernelRoutes {
public:
    /// Takes over the table that is there, or makes it. One of another shape is replaced in one
    /// transaction, with the same routes.
    [[nodiscard]] static Result<KernelRoutes> open();

    [[nodiscard]] const model::RouteTable& table() const { return table_; }
    /// One transaction of what differs; none if nothing does. `wanted` is valid. If somebody else
    /// changed the table in the meantime, that is undone with it.
    [[nodiscard]] Status commit(const model::RouteTable& wanted);
    /// Reads the table and undoes what somebody else did to it.
    [[nodiscard]] Status verify();
    /// Transactions since open(), without those that made the table.
    [[nodiscard]] std::uint64_t transactions() const { return transactions_; }

private:
    explicit KernelRoutes(NftSession nft) : nft_(std::move(nft)) {}
    [[nodiscard]] Result<Listing> read();
    [[nodiscard]] Status install(const model::RouteTable& table);
    [[nodiscard]] Status change(const model::RouteTable& from, const model::RouteTable& to);

    NftSession nft_;
    model::RouteTable table_;
    std::uint64_t transactions_{0};
};

}  // namespace flocker::nftables
