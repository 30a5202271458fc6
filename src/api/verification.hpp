// SPDX-License-Identifier: Apache-2.0
//
// One `flocker volume verify`: the owner's tree and the replicas' side by side.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/documents.hpp"
#include "plan/comparison.hpp"
#include "ports/snapshot_digests.hpp"

namespace flocker::api {

/// Where a tree on a node comes from; as ports::SnapshotDigests::hold, of that node.
using DigestSource = std::function<Result<std::unique_ptr<ports::HeldTree>>(
    const model::Node& node, const model::DatasetId& dataset, const model::SnapshotId& snapshot)>;

/// Threads: one; it runs one more for each node while run() lasts.
class Verification {
public:
    /// Told of progress now and then; its error ends the run.
    using Teller = std::function<Status(const VerifyLine&)>;

    Verification(plan::Comparison what, DigestSource digests);
    ~Verification();
    Verification(const Verification&) = delete;
    Verification& operator=(const Verification&) = delete;

    /// The snapshot goes nowhere any more. A replica that can't hold it is left out, and said so by run().
    /// Errors: not_found (it has gone from some node: choose another); the owner's.
    [[nodiscard]] Status hold();
    /// A verdict for each replica.
    /// Errors: the owner's; the teller's.
    [[nodiscard]] Result<std::vector<VerifyVerdict>> run(const Teller& tell);

private:
    class Side;
    [[nodiscard]] Status await_all(const Teller& tell);
    [[nodiscard]] VerifyVerdict verdict_of(Side& replica, const Teller& tell);
    [[nodiscard]] std::string first_difference(Side& replica, const Teller& tell);

    plan::Comparison what_;
    DigestSource digests_;
    std::vector<std::unique_ptr<Side>> sides_;  ///< The owner's first.
};

}  // namespace flocker::api
