// SPDX-License-Identifier: Apache-2.0
#include "sim/links.hpp"

#include <algorithm>
#include <memory>

namespace flocker::sim {

using namespace model;

namespace {

constexpr Duration patience = 3s;

/// Calls `done` once: with the first outcome that arrives, or with timed_out.
template <class T>
class Once {
public:
    Once(ProcessLoop& loop, Done<T> done) : state_(std::make_shared<State>(State{&loop, std::move(done), false})) {
        loop.after(patience, [state = state_] { answer(state, fail(ErrorCode::timed_out, "no answer")); });
    }
    void operator()(Result<T> outcome) const {
        // The process that asked may be gone; its loop then drops this.
        answer(state_, std::move(outcome));
    }

private:
    struct State {
        ProcessLoop* loop;
        Done<T> done;
        bool answered;
    };
    static void answer(const std::shared_ptr<State>& state, Result<T> outcome) {
        if (state->answered) return;
        state->answered = true;
        state->done(std::move(outcome));
    }
    std::shared_ptr<State> state_;
};

}  // namespace

void ControlPort::report(const NodeReport& report, Done<ReportReceipt> done) {
    const Once<ReportReceipt> once(loop_, std::move(done));
    cluster_.network.send(host_.node.name, "control", [&cluster = cluster_, &host = host_, report, once] {
        if (!cluster.control()) return;
        cluster.control()->reported(report, [&cluster, &host, once](ReportReceipt receipt) {
            if (cluster.world.chance(cluster.faults.receipt_lost)) return;
            cluster.network.send("control", host.node.name, [once, receipt] { once(receipt); });
        });
    });
}

void LinkPort::holdings(const Node& target, const DatasetId& dataset, Done<ports::Holdings> done) {
    const Once<ports::Holdings> once(loop_, std::move(done));
    Host& to = cluster_.host(target.id.value);
    cluster_.network.send(host_.node.name, to.node.name, [&cluster = cluster_, &host = host_, &to, dataset, once] {
        if (!to.agent()) return;
        const ports::Holdings held = to.agent()->holdings(dataset);
        cluster.network.send(to.node.name, host.node.name, [once, held] { once(held); });
    });
}

void LinkPort::send(const SendOrder& order, std::function<void(SendProgress)> progress, Done<SendReceipt> done) {
    const Once<SendReceipt> once(loop_, std::move(done));
    const PoolDisk::Dataset* dataset = host_.pool.find(order.dataset);
    if (!dataset || !dataset->snapshots.contains(order.to)) {
        return loop_.post([once] { once(fail(ErrorCode::not_found, "no such snapshot")); });
    }
    if (progress) progress({Bytes{0}, Bytes{1000}});
    const SubvolumeRef data = dataset->snapshots.at(order.to).data;
    const Instant taken = dataset->snapshots.at(order.to).taken;
    const ports::SnapshotOffer offer{host_.node.id, order.dataset, order.epoch, order.base, order.to};
    Host& to = cluster_.host(order.target.id.value);
    const Duration transfer = cluster_.world.between(5ms, order.base ? 100ms : 1500ms);
    cluster_.network.send(host_.node.name, to.node.name, [&cluster = cluster_, &host = host_, &to, data, taken, offer, transfer,
                                                              once] {
        if (!to.agent()) return;
        const auto answer = [&cluster, &host, &to, once](Result<SendReceipt> outcome) {
            if (cluster.world.chance(cluster.faults.receipt_lost)) return;
            cluster.network.send(to.node.name, host.node.name, [once, outcome] { once(outcome); });
        };
        if (auto admitted = to.agent()->admit(offer); !admitted) return answer(tl::unexpected(admitted.error()));
        if (cluster.world.chance(cluster.faults.disk_full)) return answer(fail(ErrorCode::unavailable, "no space left"));
        // The receiving agent does the work: when it dies, nothing becomes visible.
        to.agent_loop()->after(transfer, [&cluster, &host, &to, data, taken, offer, answer] {
            if (!cluster.network.connected(host.node.name, to.node.name)) return to.agent()->received(offer);
            const PoolDisk::Dataset* sent = host.pool.find(offer.dataset);
            if (!sent || !sent->snapshots.contains(offer.to)) {
                to.agent()->received(offer);
                return answer(fail(ErrorCode::not_found, "it was let go while it was sent"));
            }
            auto outcome = to.pool.receive(offer.dataset, offer.epoch, offer.base, offer.to, *data, taken);
            to.agent()->received(offer);
            if (!outcome) return answer(tl::unexpected(outcome.error()));
            answer(SendReceipt{Bytes{data->entries.size() * 100}});
        });
    });
}

void LinkPort::fetch_image(const Node& source, const std::string& image, Done<void> done) {
    const Once<void> once(loop_, std::move(done));
    Host& from = cluster_.host(source.id.value);
    cluster_.network.send(host_.node.name, from.node.name, [&cluster = cluster_, &host = host_, &from, image, once] {
        if (!from.agent()) return;
        const bool has = from.engine.images.contains(image);
        cluster.network.send(from.node.name, host.node.name, [&host, image, has, once] {
            if (!has) return once(fail(ErrorCode::not_found, "no image " + image));
            host.engine.images.insert(image);
            once(Result<void>{});
        });
    });
}

Duration StorePort::takes_its_turn(Duration takes) {
    const Instant now = cluster_.world.now();
    busy_until_ = std::max(busy_until_, now) + takes;
    return busy_until_ - now;
}

void StorePort::load(Done<Records> done) {
    loop_.after(takes_its_turn(cluster_.world.between(1ms, 20ms)), [this, done] { done(cluster_.disk.records); });
}

void StorePort::commit(Revision expected, const std::vector<Change>& changes, Done<Revision> done) {
    World& world = cluster_.world;
    const bool fails = world.chance(cluster_.faults.commit_fails);
    const bool unknown = world.chance(cluster_.faults.commit_unknown);
    const bool dies_written = world.chance(0.5);
    const Duration takes = takes_its_turn(world.between(Duration{500'000}, 8ms));
    // The disk may end the write although the process dies while it waits for it.
    auto alive = std::make_shared<bool>(false);
    auto outcome = std::make_shared<Result<Revision>>(fail(ErrorCode::unavailable, "the disk is full"));
    loop_.after(takes, [alive] { *alive = true; });
    world.at(takes, [&cluster = cluster_, expected, changes, fails, alive, dies_written, outcome] {
        if (fails || (!*alive && !dies_written)) return;
        Records& records = cluster.disk.records;
        if (records.revision != expected) {
            *outcome = fail(ErrorCode::conflict, "another commit came first");
            return;
        }
        const Records before = records;
        for (const Change& change : changes) {
            apply(change, records);
            if (const auto* add = std::get_if<AddEvent>(&change)) {
                cluster.disk.events.push_back(add->event);
                cluster.disk.events.back().number = cluster.disk.events.size();
            }
        }
        records.revision = Revision{records.revision.value + 1};
        *outcome = records.revision;
        cluster.committed(before, records);
    });
    loop_.after(takes, [outcome, unknown, done] {
        if (unknown && *outcome) return done(fail(ErrorCode::timed_out, "the disk did not say"));
        done(*outcome);
    });
}

void StorePort::events(std::uint64_t after, std::uint32_t limit, Done<std::vector<Event>> done) {
    loop_.after(takes_its_turn(1ms), [this, after, limit, done] {
        std::vector<Event> found;
        for (const Event& event : cluster_.disk.events) {
            if (event.number > after && found.size() < limit) found.push_back(event);
        }
        done(std::move(found));
    });
}

void SessionsPort::publish(const Assignment& assignment) {
    cluster_.newest_assignments[assignment.node.value] = assignment;
    Host& to = cluster_.host(assignment.node.value);
    cluster_.network.send("control", to.node.name, [&to, assignment] { to.deliver(assignment); });
}

}  // namespace flocker::sim
