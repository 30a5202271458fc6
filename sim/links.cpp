// SPDX-License-Identifier: Apache-2.0
#include "sim/links.hpp"

#include <algorithm>
#include <memory>

#include "plan/takeover.hpp"

namespace flocker::sim {

using namespace model;

namespace {

constexpr Duration patience = 3s;
constexpr std::size_t copies_kept = 6;
constexpr std::size_t archive_kept = 400;
/// How often the receiver of a long copy keeps what it has.
constexpr Duration part_interval = 1s;

/// Calls `done` once: with the first outcome that arrives, or with timed_out.
template <class T>
class Once {
public:
    Once(World& world, ProcessLoop& loop, Done<T> done)
        : state_(std::make_shared<State>(State{&world, std::move(done), world.now() + patience, false})) {
        wait(loop, state_);
    }
    void operator()(Result<T> outcome) const {
        // The process that asked may be gone; its driver then drops this.
        answer(state_, std::move(outcome));
    }
    /// Something moves: it is worth waiting on.
    void goes_on() const { state_->until = state_->world->now() + patience; }

private:
    struct State {
        World* world;
        Done<T> done;
        Instant until;
        bool answered;
    };
    static void wait(ProcessLoop& loop, const std::shared_ptr<State>& state) {
        loop.after(state->until - state->world->now(), [&loop, state] {
            if (state->answered) return;
            if (state->world->now() < state->until) return wait(loop, state);
            answer(state, fail(ErrorCode::timed_out, "no answer"));
        });
    }
    static void answer(const std::shared_ptr<State>& state, Result<T> outcome) {
        if (state->answered) return;
        state->answered = true;
        state->done(std::move(outcome));
    }
    std::shared_ptr<State> state_;
};

/// A snapshot on its way. The receiving agent does the work: when it dies, nothing becomes visible.
struct Transfer {
    Cluster& cluster;
    Host& from;
    Host& to;
    ports::SnapshotOffer offer;
    SubvolumeRef data;
    Instant taken;
    Bytes size;
    Duration takes;  ///< All of it.
    Once<SendReceipt> once;
    bool urgent;
    std::weak_ptr<int> sender;  ///< Lives as long as its process.
    Bytes received{};
    Bytes received_before{};
    Duration waited{};
};

void answer(const Transfer& transfer, const Result<SendReceipt>& outcome) {
    Cluster& cluster = transfer.cluster;
    if (cluster.world.chance(cluster.faults.receipt_lost)) return;
    cluster.network.send(transfer.to.node.name, transfer.from.node.name,
                         [once = transfer.once, outcome] { once(outcome); });
}

void receive_all(const Transfer& transfer) {
    const ports::SnapshotOffer& offer = transfer.offer;
    auto outcome = transfer.to.pool.receive(offer.dataset, offer.epoch, offer.base, offer.to, *transfer.data, transfer.taken);
    transfer.to.agent()->received(offer);
    if (!outcome) return answer(transfer, tl::unexpected(outcome.error()));
    answer(transfer, SendReceipt{Bytes{transfer.size.value - transfer.received_before.value}, transfer.waited});
}

void receive_more(const std::shared_ptr<Transfer>& transfer) {
    const double left = 1.0 - static_cast<double>(transfer->received.value) / static_cast<double>(transfer->size.value);
    const Duration rest{static_cast<std::int64_t>(left * static_cast<double>(transfer->takes.count()))};
    const bool last = rest <= part_interval;
    transfer->to.agent_loop()->after(last ? rest : part_interval, [transfer, last] {
        Host& to = transfer->to;
        const bool connected = transfer->cluster.network.connected(transfer->from.node.name, to.node.name);
        if (!connected || (transfer->sender.expired() && !last)) return to.agent()->received(transfer->offer);
        const PoolDisk::Dataset* sent = transfer->from.pool.find(transfer->offer.dataset);
        if (!sent || !sent->snapshots.contains(transfer->offer.to)) {
            to.agent()->received(transfer->offer);
            return answer(*transfer, fail(ErrorCode::not_found, "it was let go while it was sent"));
        }
        if (last) return receive_all(*transfer);
        const auto step = static_cast<std::uint64_t>(static_cast<double>(part_interval.count()) /
                                                     static_cast<double>(transfer->takes.count()) *
                                                     static_cast<double>(transfer->size.value));
        transfer->received += Bytes{std::max<std::uint64_t>(step, 1)};
        const ports::SnapshotOffer& offer = transfer->offer;
        to.pool.keep_part(offer.dataset, {offer.epoch, offer.base, offer.to, transfer->received});
        transfer->once.goes_on();
        receive_more(transfer);
    });
}

/// At the other end: it is admitted or not, and goes on from what is there.
void begin_receiving(const std::shared_ptr<Transfer>& transfer) {
    Host& to = transfer->to;
    const ports::SnapshotOffer& offer = transfer->offer;
    if (!to.agent()) return;
    if (auto admitted = to.agent()->admit(offer); !admitted) return answer(*transfer, tl::unexpected(admitted.error()));
    Cluster& cluster = transfer->cluster;
    if (cluster.world.chance(cluster.faults.disk_full)) {
        return answer(*transfer, fail(ErrorCode::unavailable, "no space left"));
    }
    const PoolDisk::Part* part = to.pool.part_of(offer.dataset);
    if (part && part->epoch == offer.epoch && part->base == offer.base && part->to == offer.to) {
        transfer->received = transfer->received_before = std::min(part->received, transfer->size);
    }
    receive_more(transfer);
}

}  // namespace

void ControlPort::report(const NodeReport& report, Done<ReportReceipt> done) {
    const Once<ReportReceipt> once(cluster_.world, loop_, std::move(done));
    cluster_.network.send(host_.node.name, "control", [&cluster = cluster_, &host = host_, report, once, to = host_.follows] {
        if (!cluster.control() || to != plan::term_of(cluster.disk.records.revision)) return;
        cluster.control()->reported(report, [&cluster, &host, once](ReportReceipt receipt) {
            if (cluster.world.chance(cluster.faults.receipt_lost)) return;
            cluster.network.send("control", host.node.name, [once, receipt] { once(receipt); });
        });
    });
}

/// What bandwidth limits do to it: a transfer begins when all of it might have gone.
struct LinkPort::Pace {
    explicit Pace(World& the_world, ProcessLoop& the_loop) : world(the_world), loop(the_loop) {}

    void begin_when_due(const std::shared_ptr<Transfer>& transfer) {
        const DatasetId& dataset = transfer->offer.dataset;
        const Instant now = world.now();
        Instant due = now;
        if (!transfer->urgent && !limits.unlimited.contains(dataset)) {
            const auto own = limits.datasets.find(dataset);
            if (own != limits.datasets.end()) due = std::max(due, give(free_at[dataset], own->second, transfer->size));
            due = std::max(due, give(node_free_at, limits.node, transfer->size));
        }
        wait(transfer, now, due, generation);
    }
    void wait(const std::shared_ptr<Transfer>& transfer, Instant began, Instant due, std::uint64_t by) {
        const Instant now = world.now();
        transfer->waited += now - began;
        transfer->once.goes_on();
        if (by != generation) return begin_when_due(transfer);
        if (now >= due) {
            transfer->cluster.network.send(transfer->from.node.name, transfer->to.node.name,
                                           [transfer] { begin_receiving(transfer); });
            return;
        }
        loop.after(std::min<Duration>(due - now, 100ms), [this, transfer, now, due, by] { wait(transfer, now, due, by); });
    }
    Instant give(Instant& bucket, const Bandwidth& bandwidth, Bytes size) const {
        const auto minute = static_cast<std::uint32_t>(loop.now().unix_ns / 60'000'000'000 % minutes_of_a_day);
        const auto rate = rate_at(bandwidth, minute);
        if (!rate) return world.now();
        const double seconds = static_cast<double>(size.value) / static_cast<double>(rate->value);
        return bucket = std::max(bucket, world.now()) + Duration{static_cast<std::int64_t>(seconds * 1e9)};
    }

    World& world;
    ProcessLoop& loop;
    SendLimits limits;
    std::uint64_t generation{0};
    Instant node_free_at;
    std::map<DatasetId, Instant> free_at;
};

LinkPort::LinkPort(Cluster& cluster, Host& host, ProcessLoop& loop)
    : cluster_(cluster), host_(host), loop_(loop), pace_(std::make_shared<Pace>(cluster.world, loop)) {}

void LinkPort::limit(const SendLimits& limits) {
    pace_->limits = limits;
    ++pace_->generation;
    pace_->node_free_at = {};
    pace_->free_at.clear();
}

void LinkPort::holdings(const Node& target, const DatasetId& dataset, Done<ports::Holdings> done) {
    const Once<ports::Holdings> once(cluster_.world, loop_, std::move(done));
    Host& to = cluster_.host(target.id.value);
    cluster_.network.send(host_.node.name, to.node.name, [&cluster = cluster_, &host = host_, &to, dataset, once] {
        if (!to.agent()) return;
        ports::Holdings held = to.agent()->holdings(dataset);
        if (const auto* part = to.pool.part_of(dataset)) {
            held.partial = PartialSeen{part->base, part->to, part->received, part->epoch};
        }
        cluster.network.send(to.node.name, host.node.name, [once, held] { once(held); });
    });
}

void LinkPort::send(const SendOrder& order, std::function<void(SendProgress)> progress, Done<SendReceipt> done) {
    const Once<SendReceipt> once(cluster_.world, loop_, std::move(done));
    const PoolDisk::Dataset* dataset = host_.pool.find(order.dataset);
    if (!dataset || !dataset->snapshots.contains(order.to)) {
        return loop_.post([once] { once(fail(ErrorCode::not_found, "no such snapshot")); });
    }
    const PoolDisk::Snapshot& snapshot = dataset->snapshots.at(order.to);
    const auto base = order.base ? dataset->snapshots.find(*order.base) : dataset->snapshots.end();
    const std::size_t entries = snapshot.data->entries.size();
    const std::size_t known = base == dataset->snapshots.end() ? 0 : std::min(base->second.data->entries.size(), entries);
    const Bytes size{200 + (entries - known) * 100};
    if (progress) progress({Bytes{0}, size});
    World& world = cluster_.world;
    Duration takes = world.between(5ms, order.base ? 100ms : 1500ms);
    if (!order.base && world.chance(cluster_.faults.copy_long)) {
        takes = world.between(cluster_.faults.copy_takes / 4, cluster_.faults.copy_takes);
    }
    Host& to = cluster_.host(order.target.id.value);
    const ports::SnapshotOffer offer{host_.node.id, order.dataset, order.epoch, order.base, order.to};
    const auto transfer = std::make_shared<Transfer>(
        Transfer{cluster_, host_, to, offer, snapshot.data, snapshot.taken, size, takes, once, order.urgent, alive_});
    pace_->begin_when_due(transfer);
}

void LinkPort::fetch_image(const Node& source, const std::string& image, Done<void> done) {
    const Once<void> once(cluster_.world, loop_, std::move(done));
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
        cluster.disk.copies.push_back(before);
        if (cluster.disk.copies.size() > copies_kept) cluster.disk.copies.pop_front();
        cluster.disk.archive.push_back(before);
        if (cluster.disk.archive.size() > archive_kept) cluster.disk.archive.pop_front();
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
