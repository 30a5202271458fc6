// SPDX-License-Identifier: Apache-2.0
#include "adapters/nftables/nft_router.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <limits>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "adapters/nftables/bridge_ports.hpp"
#include "adapters/nftables/client_prompt.hpp"
#include "adapters/nftables/conntrack.hpp"
#include "adapters/nftables/forwarding.hpp"
#include "adapters/nftables/kernel_routes.hpp"
#include "adapters/nftables/packet_queue.hpp"
#include "adapters/nftables/waiting_room.hpp"
#include "adapters/posix/fd.hpp"
#include "base/check.hpp"

namespace flocker::nftables {
namespace {

using Clock = std::chrono::steady_clock;

/// apply() looks after the kernel's other settings at most this often.
constexpr auto ensure_pause = std::chrono::seconds(5);
/// Who has just been released is served first: looking through all connections takes a processor for 10 ms.
constexpr auto end_after_release = std::chrono::milliseconds(300);

std::set<std::uint16_t> held_ports(const model::RouteTable& table) {
    std::set<std::uint16_t> ports;
    for (const auto& [port, entry] : table) {
        if (entry.held) ports.insert(port);
    }
    return ports;
}

bool is_held(const model::RouteTable& table, std::uint16_t port) {
    const auto entry = table.find(port);
    return entry != table.end() && entry->second.held;
}

std::optional<model::RouteTarget> target_of(const model::RouteTable& table, std::uint16_t port) {
    const auto entry = table.find(port);
    return entry == table.end() ? std::nullopt : entry->second.target;
}

}  // namespace

/// The thread that does it all: it alone touches the kernel's table, the queue and who waits.
class NftRouter::Worker {
public:
    Worker(ports::Loop& loop, KernelRoutes routes, Conntrack conntrack, ClientPrompt prompt, BridgePorts bridges,
           PacketQueue queue, posix::Fd wake, WaitingBounds bounds)
        : loop_(loop),
          routes_(std::move(routes)),
          conntrack_(std::move(conntrack)),
          prompt_(std::move(prompt)),
          bridges_(std::move(bridges)),
          queue_(std::move(queue)),
          bounds_(bounds),
          waiting_(bounds),
          wake_(std::move(wake)) {
        for (const std::uint16_t port : held_ports(routes_.table())) unclean_[port] = std::nullopt;
        for (const auto& [port, entry] : routes_.table()) {
            if (entry.target && entry.target->local) served_[port] = *entry.target;
        }
        thread_ = std::thread([this] { run(); });
    }

    ~Worker() {
        {
            const std::lock_guard lock(mutex_);
            stopping_ = true;
        }
        wake_up();
        thread_.join();
    }
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

    void ask(std::optional<model::RouteTable> table, Done<void> done) {
        {
            const std::lock_guard lock(mutex_);
            jobs_.push_back({std::move(table), std::move(done)});
        }
        wake_up();
    }

    [[nodiscard]] Counters counters() const {
        return {transactions_.load(), waiting_count_.load(), released_.load(), refused_.load()};
    }

private:
    struct Job {
        std::optional<model::RouteTable> table;  ///< nullopt: ensure.
        Done<void> done;
    };

    void wake_up() {
        const std::uint64_t one = 1;
        FLOCKER_CHECK(write(wake_.get(), &one, sizeof one) == sizeof one);
    }

    void run() {
        settle();
        for (;;) {
            const bool stopping = wait();
            take_in();
            std::vector<Job> jobs;
            {
                const std::lock_guard lock(mutex_);
                jobs.swap(jobs_);
            }
            for (Job& job : jobs) perform(job);
            refuse_overdue();
            if (!jobs.empty() || (!ended_.empty() && Clock::now() >= end_due_)) settle();
            if (stopping && jobs.empty()) return;
        }
    }

    /// Until packets, jobs or changes of links are there, or somebody's time is over. Whether to end.
    bool wait() {
        std::array<pollfd, 3> watched{
            {{wake_.get(), POLLIN, 0}, {queue_ ? queue_->fd() : -1, POLLIN, 0}, {bridges_.fd(), POLLIN, 0}}};
        {
            const std::lock_guard lock(mutex_);
            if (stopping_) return true;
        }
        poll(watched.data(), watched.size(), until_next_due());
        if (watched[0].revents != 0) {
            std::uint64_t count = 0;
            FLOCKER_CHECK(read(wake_.get(), &count, sizeof count) == sizeof count);
        }
        if (watched[2].revents != 0) {
            bridges_.forget_news();
            static_cast<void>(open_way_back());
        }
        const std::lock_guard lock(mutex_);
        return stopping_;
    }

    void perform(Job& job) {
        Status outcome = job.table ? apply(*job.table) : ensure();
        transactions_ = routes_.transactions();
        loop_.post([done = std::move(job.done), outcome = std::move(outcome)] { done(outcome); });
    }

    /// What an apply() need not wait for. What fails here is tried again after the next one, or by
    /// ensure(), whose caller is told.
    void settle() {
        static_cast<void>(clean());
        if (!ended_.empty() && Clock::now() >= end_due_) static_cast<void>(end_open());
        static_cast<void>(open_way_back());
        // A release must not wait for this, so it is not done while a port is held.
        if (Clock::now() - ensured_at_ >= ensure_pause && held_ports(routes_.table()).empty()) {
            static_cast<void>(ensure());
            transactions_ = routes_.transactions();
        }
    }

    Status ensure() {
        ensured_at_ = Clock::now();
        FLOCKER_CHECK_OK(routes_.verify());
        FLOCKER_CHECK_OK(ensure_forwarding());
        return open_way_back();
    }

    Status open_way_back() {
        std::set<std::string> containers;
        for (const auto& [port, entry] : routes_.table()) {
            if (entry.target && entry.target->local) containers.insert(entry.target->address);
        }
        return bridges_.let_turn_back(containers);
    }

    Status apply(const model::RouteTable& wanted) {
        FLOCKER_CHECK_OK(validate(wanted));
        FLOCKER_CHECK_OK(reopen_queue());
        const model::RouteTable before = routes_.table();
        FLOCKER_CHECK_OK(routes_.commit(wanted));
        note_unclean(before, wanted);
        note_ended(before, wanted);
        return let_go(before);
    }

    /// Which open connections lead to nobody any more. Of a container that is stopped they go on until its port
    /// is open again, or closed.
    void note_ended(const model::RouteTable& before, const model::RouteTable& now) {
        for (const auto& [port, entry] : now) {
            const auto was = before.find(port);
            if (entry.lost.empty() || (was != before.end() && was->second.lost == entry.lost)) continue;
            ended_.push_back({port, {entry.lost, port, false}});
            end_due_ = Clock::now();
        }
        std::erase_if(served_, [&](const auto& old) {
            if (is_held(now, old.first)) return false;
            if (old.second == target_of(now, old.first)) return true;
            if (ended_.empty()) end_due_ = Clock::now() + end_after_release;
            ended_.push_back({old.first, old.second});
            return true;
        });
        for (const auto& [port, entry] : now) {
            if (entry.target && entry.target->local && !entry.held) served_[port] = *entry.target;
        }
    }

    /// Tried again after a while, whatever stood in the way.
    Status end_open() {
        end_due_ = Clock::now() + ensure_pause;
        std::erase_if(ended_, [this](const OldRoute& old) { return target_of(routes_.table(), old.port) == old.target; });
        auto clients = conntrack_.forget_open(ended_);
        if (!clients) return fail_in("connections to where nobody is any more", std::move(clients).error());
        ended_.clear();
        prompt_.prompt(*clients);
        return {};
    }

    /// Which ports may have unanswered connections that went to an old target here. A held port gets no new
    /// ones, so that it is cleaned once, when the hold begins, and its release needs no cleaning. One that
    /// went to another node may wait there, held, and is delivered from there: forgotten, its answer would
    /// be refused, and the client would ask again a second later.
    void note_unclean(const model::RouteTable& before, const model::RouteTable& now) {
        std::set<std::uint16_t> ports;
        for (const auto& [port, entry] : before) ports.insert(port);
        for (const auto& [port, entry] : now) ports.insert(port);
        for (const std::uint16_t port : ports) {
            const auto target = target_of(before, port);
            if (is_held(before, port) || !target || !target->local) continue;
            if (is_held(now, port)) {
                unclean_[port] = std::nullopt;
            } else if (target != target_of(now, port)) {
                unclean_[port] = target_of(now, port);
            }
        }
    }

    Status clean() {
        auto forgotten = conntrack_.forget_unanswered(unclean_);
        if (!forgotten) return fail_in("connections that nobody answered", std::move(forgotten).error());
        unclean_.clear();
        return {};
    }

    /// Lets those go who waited for ports that are held no longer. Read first what the kernel queued
    /// before the transaction.
    Status let_go(const model::RouteTable& before) {
        take_in();
        std::set<std::uint16_t> released = held_ports(before);
        for (const std::uint16_t port : held_ports(routes_.table())) released.erase(port);
        if (released.empty() || !queue_) return {};
        // One that asked before the hold, and again during it, must not follow its old entry.
        const bool all_clean = std::none_of(released.begin(), released.end(),
                                            [this](std::uint16_t port) { return unclean_.contains(port); });
        const Status cleaned = all_clean ? Status{} : clean();
        const std::vector<std::uint32_t> packets = waiting_.release(released);
        waiting_count_ = waiting_.size();
        released_ += packets.size();
        FLOCKER_CHECK_OK(queue_->decide(packets, Verdict::again));
        return cleaned;
    }

    /// For poll: rounded up, so that it does not wake before.
    [[nodiscard]] int until_next_due() const {
        auto due = waiting_.next_due();
        if (!ended_.empty()) due = due ? std::min(*due, end_due_) : end_due_;
        if (!due) return -1;
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(*due - Clock::now());
        return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, std::numeric_limits<int>::max()));
    }

    void refuse_overdue() {
        if (!queue_) return;
        const std::vector<std::uint32_t> packets = waiting_.overdue(Clock::now());
        waiting_count_ = waiting_.size();
        if (!refuse(packets)) lose_queue();
    }

    Status refuse(const std::vector<std::uint32_t>& packets) {
        refused_ += packets.size();
        return queue_->decide(packets, Verdict::refuse);
    }

    /// Packets that arrived: they wait, or are refused if there is no room, or go on if their port is
    /// held no longer.
    void take_in() {
        if (!queue_) return;
        auto arrived = queue_->arrived();
        if (!arrived) return lose_queue();
        const std::set<std::uint16_t> held = held_ports(routes_.table());
        const Clock::time_point now = Clock::now();
        std::vector<std::uint32_t> dropped;
        std::vector<std::uint32_t> passed;
        std::vector<std::uint32_t> refused;
        for (const QueuedPacket& packet : *arrived) {
            if (!held.contains(packet.connection.destination_port)) {
                passed.push_back(packet.id);
                continue;
            }
            const WaitingRoom::Admission admission = waiting_.admit(packet, now);
            if (admission.replaced) dropped.push_back(*admission.replaced);
            if (!admission.waits) refused.push_back(packet.id);
        }
        waiting_count_ = waiting_.size();
        if (!queue_->decide(dropped, Verdict::drop) || !queue_->decide(passed, Verdict::accept) || !refuse(refused)) {
            lose_queue();
        }
    }

    /// The kernel drops all that waits; their clients ask again, and the next apply() opens it anew.
    void lose_queue() {
        queue_.reset();
        waiting_.clear();
        waiting_count_ = 0;
    }

    Status reopen_queue() {
        if (queue_) return {};
        FLOCKER_TRY(PacketQueue opened, PacketQueue::open(held_queue, bounds_.connections));
        queue_ = std::move(opened);
        return {};
    }

    ports::Loop& loop_;
    KernelRoutes routes_;
    Conntrack conntrack_;
    ClientPrompt prompt_;
    BridgePorts bridges_;
    std::optional<PacketQueue> queue_;
    WaitingBounds bounds_;
    WaitingRoom waiting_;
    /// Ports whose unanswered connections are to be forgotten, but for those to this target.
    std::map<std::uint16_t, std::optional<model::RouteTarget>> unclean_;
    std::map<std::uint16_t, model::RouteTarget> served_;  ///< The container that a port led to when it was open last.
    std::vector<OldRoute> ended_;  ///< Their open connections are to be forgotten, when it is time.
    Clock::time_point end_due_;
    Clock::time_point ensured_at_{Clock::now()};
    std::atomic<std::uint64_t> transactions_{0};
    std::atomic<std::uint64_t> waiting_count_{0};
    std::atomic<std::uint64_t> released_{0};
    std::atomic<std::uint64_t> refused_{0};
    std::mutex mutex_;
    std::vector<Job> jobs_;
    bool stopping_{false};
    posix::Fd wake_;
    std::thread thread_;
};

NftRouter::NftRouter(std::unique_ptr<Worker> worker, ports::Loop& loop, KernelLease lease)
    : loop_(loop),
      worker_(std::move(worker)),
      lease_(loop, [this, kernel = std::make_shared<KernelLease>(std::move(lease))](Duration duration) {
          Status outcome = kernel->run_for(duration);
          if (!outcome) worker_->ask(std::nullopt, [](const Status&) {});
          return outcome;
      }) {}
NftRouter::~NftRouter() = default;

Result<std::unique_ptr<NftRouter>> NftRouter::open(ports::Loop& loop, WaitingBounds bounds) {
    posix::Fd wake(eventfd(0, EFD_CLOEXEC));
    if (!wake) return system_failure("making an eventfd", errno);
    FLOCKER_TRY(PacketQueue queue, PacketQueue::open(held_queue, bounds.connections));
    FLOCKER_TRY(KernelRoutes routes, KernelRoutes::open());
    FLOCKER_TRY(Conntrack conntrack, Conntrack::open());
    FLOCKER_TRY(ClientPrompt prompt, ClientPrompt::open());
    FLOCKER_TRY(BridgePorts bridges, BridgePorts::open());
    FLOCKER_CHECK_OK(ensure_forwarding());
    FLOCKER_TRY(KernelLease lease, KernelLease::open(routes.bridged()));
    auto worker = std::make_unique<Worker>(loop, std::move(routes), std::move(conntrack), std::move(prompt),
                                           std::move(bridges), std::move(queue), std::move(wake), bounds);
    return std::unique_ptr<NftRouter>(new NftRouter(std::move(worker), loop, std::move(lease)));
}

void NftRouter::apply(const model::RouteTable& table, Done<void> done) {
    worker_->ask(table, std::move(done));
}

void NftRouter::extend_lease(Instant until, Done<void> done) {
    lease_.extend(until - loop_.now(), std::move(done));
}

void NftRouter::ensure(Done<void> done) {
    worker_->ask(std::nullopt, std::move(done));
}

NftRouter::Counters NftRouter::counters() const {
    return worker_->counters();
}

Status NftRouter::remove_everything() {
    FLOCKER_TRY(NftSession nft, NftSession::open());
    FLOCKER_TRY(const std::string tables, nft.run("list tables\n"));
    // A kernel without that family may not know how to remove what is not there.
    const bool bridged = tables.find("table bridge flocker\n") != std::string::npos;
    FLOCKER_TRY(const std::string removed, nft.run(removal_text() + (bridged ? bridge_removal_text() : "")));
    withdraw_forwarding();
    return {};
}

}  // namespace flocker::nftables
