// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "base/result.hpp"
#include "model/records.hpp"

namespace flocker::ports {

/// The control service's records. All implementations pass tests/contract/state_store_contract.hpp.
///
/// Threads:  call on the loop thread; no call blocks it.
/// Crashing: once `done` saw success, the changes survive a power loss, all of them; otherwise all
///           or none.
class StateStore {
public:
    virtual ~StateStore() = default;
    virtual void load(Done<model::Records> done) = 0;
    /// Applies the changes in their order, as model::apply() does, in one transaction, if the last
    /// revision is `expected`; events get their numbers. The new revision.
    /// Errors: conflict (another revision is the last), unavailable (disk full; nothing was written),
    /// timed_out (unknown; load again).
    virtual void commit(model::Revision expected, const std::vector<model::Change>& changes, Done<model::Revision> done) = 0;
    /// Events numbered above `after`, oldest first, at most `limit`.
    virtual void events(std::uint64_t after, std::uint32_t limit, Done<std::vector<model::Event>> done) = 0;
};

/// Whether an image that no node has could be had from its registry.
class ImageCatalog {
public:
    virtual ~ImageCatalog() = default;
    /// Errors: unavailable, with the registry's or the engine's reason.
    virtual void find(const std::string& image, Done<void> done) = 0;
};

}  // namespace flocker::ports
