// SPDX-License-Identifier: Apache-2.0
#include "sim/links.hpp"
#include "tests/contract/replica_link_contract.hpp"
#include "tests/sim/virtual_time.hpp"

namespace flocker::contract {
namespace {

const model::Epoch epoch{3};

/// alder owns, birch keeps a replica: by an assignment that its agent has been told.
class SimulatedLink final : public ReplicaLinkHarness {
public:
    SimulatedLink() {
        static_cast<void>(alder_.pool.perform(model::CreateDataset{dataset, epoch}, world_.now()));
        birch_.start_agent();
        tell_birch(true);
    }
    void take_here(const model::SnapshotId& snapshot) override {
        static_cast<void>(alder_.pool.perform(model::TakeSnapshot{dataset, snapshot}, world_.now()));
    }
    bool is_there(const model::SnapshotId& snapshot) override {
        const auto* held = birch_.pool.find(dataset);
        return held && held->snapshots.contains(snapshot);
    }
    void expect_nothing_there() override { tell_birch(false); }
    void put_image_there(const std::string& image) override { birch_.engine.images.insert(image); }
    bool has_image_here(const std::string& image) override { return alder_.engine.images.contains(image); }

    void limit(const model::SendLimits& limits) override { link_.limit(limits); }
    Instant now() override { return world_.now(); }
    Result<model::SendReceipt> send_by(const std::optional<model::SnapshotId>& base, const model::SnapshotId& to,
                                       bool urgent) override {
        return await<model::SendReceipt>([&](Done<model::SendReceipt> done) {
            link_.send({dataset, epoch, base, to, birch_.node, urgent}, [](model::SendProgress) {}, std::move(done));
        });
    }
    Result<ports::Holdings> holdings(const model::DatasetId& of) override {
        return await<ports::Holdings>([&](Done<ports::Holdings> done) { link_.holdings(birch_.node, of, std::move(done)); });
    }
    Status fetch_image(const std::string& image) override {
        return await<void>([&](Done<void> done) { link_.fetch_image(birch_.node, image, std::move(done)); });
    }

private:
    void tell_birch(bool expects) {
        model::Assignment assignment;
        assignment.node = birch_.node.id;
        assignment.revision = model::Revision{++revision_};
        assignment.nodes = {alder_.node, birch_.node};
        if (expects) {
            model::DatasetAssignment replica;
            replica.dataset = dataset;
            replica.owner = alder_.node.id;
            replica.epoch = epoch;
            assignment.datasets = {replica};
        }
        // Its agent watches for assignments from the moment that it has read its cache.
        world_.run_until(world_.now() + 1s);
        birch_.deliver(assignment);
        world_.run_until(world_.now() + 1s);
    }
    template <class T>
    Result<T> await(const std::function<void(Done<T>)>& call) {
        std::optional<Result<T>> outcome;
        call([&](Result<T> result) { outcome = std::move(result); });
        if (!pass_until(world_, [&] { return outcome.has_value(); })) return fail(ErrorCode::internal, "no outcome");
        return *std::move(outcome);
    }

    sim::World world_{1};
    sim::Faults faults_;
    sim::Cluster cluster_{world_, faults_, 2};
    sim::Host& alder_{cluster_.host("alder")};
    sim::Host& birch_{cluster_.host("birch")};
    sim::ProcessLoop loop_{world_};
    sim::LinkPort link_{cluster_, alder_, loop_};
    std::uint64_t revision_{1};
};

INSTANTIATE_TYPED_TEST_SUITE_P(Simulated, ReplicaLinkContract, SimulatedLink);

}  // namespace
}  // namespace flocker::contract
