// SPDX-License-Identifier: Apache-2.0
#include "adapters/peer/testing.hpp"
#include "tests/contract/replica_link_contract.hpp"

namespace flocker::contract {
namespace {

using peer::testing::pattern;
using peer::testing::TwoPeers;

/// Two nodes over real TLS.
class TlsLink final : public ReplicaLinkHarness {
public:
    void take_here(const model::SnapshotId& snapshot) override { peers_.near_.to_send[snapshot] = pattern(100'000); }
    bool is_there(const model::SnapshotId& snapshot) override {
        return !peers_.far_.held_of(snapshot).empty() && peers_.far_.held_of(snapshot) == peers_.near_.to_send[snapshot];
    }
    void expect_nothing_there() override { peers_.inbox_.answer = fail(ErrorCode::denied, "no assignment expects it"); }
    void put_image_there(const std::string& image) override { peers_.far_engine_.images[image] = "layers"; }
    bool has_image_here(const std::string& image) override {
        return peers_.near_engine_.imported == peers_.far_engine_.images[image];
    }
    void limit(const model::SendLimits& limits) override { peers_.link_->limit(limits); }
    Instant now() override { return peers_.loop_.now(); }
    Result<model::SendReceipt> send_by(const std::optional<model::SnapshotId>& base, const model::SnapshotId& to,
                                       bool urgent) override {
        return peers_.send(base, to, urgent);
    }
    Result<ports::Holdings> holdings(const model::DatasetId& of) override { return peers_.holdings(of); }
    Status fetch_image(const std::string& image) override { return peers_.fetch(image); }

private:
    TwoPeers peers_;
};

INSTANTIATE_TYPED_TEST_SUITE_P(Tls, ReplicaLinkContract, TlsLink);

}  // namespace
}  // namespace flocker::contract
