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
#include "adapters/nftables/rule_news.hpp"
#include "adapters/nftables/six_routes.hpp"
#include "adapters/nftables/waiting_room.hpp"
#include "adapters/posix/fd.hpp"
#include "base/check.hpp"

namespace flocker::nftables {
namespace {

using Clock = std::chrono::steady_clock;

/// What failed is tried again after this.
constexpr auto retry_pause = std::chrono::seconds(5);
/// For what nobody tells of: sysctls, rules of iptables-legacy.
constexpr auto look_pause = std::chrono::seconds(30);
/// A look that would stand in the way of a release waits for this.
constexpr auto look_after_hold = std::chrono::milliseconds(200);
/// Who has just been released is served first: looking through all connections takes a processor for 10 ms.
constexpr auto end_after_release = std::chrono::milliseconds(300);

using model::ExternalPort;
using model::Protocol;

std::set<ExternalPort> held_ports(const model::RouteTable& table) {
    std::set<ExternalPort> ports;
    for (const auto& [port, entry] : table) {
        if (entry.held) ports.insert(port);
    }
    return ports;
}

bool is_held(const model::RouteTable& table, const ExternalPort& port) {
    const auto entry = table.find(port);
    return entry != table.end() && entry->second.held;
}

std::optional<model::RouteTarget> target_of(const model::RouteTable& table, const ExternalPort& port) {
    const auto entry = table.find(port);
    return entry == table.end() ? std::nullopt : entry->second.target;
}

/// In either table.
std::set<ExternalPort> ports_held(const model::RouteTable& a, const model::RouteTable& b) {
    std::set<ExternalPort> ports = held_ports(a);
    ports.merge(held_ports(b));
    return ports;
}

/// Of both tables.
std::set<ExternalPort> ports_of(const model::RouteTable& a, const model::RouteTable& b) {
    std::set<ExternalPort> ports;
    for (const auto& [port, entry] : a) ports.insert(port);
    for (const auto& [port, entry] : b) ports.insert(port);
    return ports;
}

}  // namespace

/// The thread that does it all: it alone touches the kernel's table, the queue and who waits.
class NftRouter::Worker {
public:
    Worker(ports::Loop& loop, KernelRoutes routes, Conntrack conntrack, ClientPrompt prompt, BridgePorts bridges,
           RuleNews news, SixRoutes six, PacketQueue queue, posix::Fd wake, WaitingBounds bounds)
        : loop_(loop),
          routes_(std::move(routes)),
          six_(std::move(six)),
          conntrack_(std::move(conntrack)),
          prompt_(std::move(prompt)),
          bridges_(std::move(bridges)),
          news_(std::move(news)),
          queue_(std::move(queue)),
          bounds_(bounds),
          waiting_(bounds),
          wake_(std::move(wake)) {
        for (const auto& [port, entry] : routes_.table()) {
            if (port.protocol == Protocol::udp) continue;
            if (entry.held) unclean_[port.number] = std::nullopt;
            if (entry.target && entry.target->local) served_[port.number] = *entry.target;
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

    /// Of the proxy; 0: none.
    [[nodiscard]] std::uint16_t own_port() const { return six_.port(); }

    void watch(std::function<void(const std::string&)> told) {
        const std::lock_guard lock(mutex_);
        told_ = std::move(told);
    }

    [[nodiscard]] Counters counters() const {
        return {transactions_.load(), waiting_count_.load(), released_.load(), refused_.load(), dropped_.load()};
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
            take_in(held_ports(routes_.table()));
            std::vector<Job> jobs;
            {
                const std::lock_guard lock(mutex_);
                jobs.swap(jobs_);
            }
            for (Job& job : jobs) perform(job);
            refuse_overdue();
            look_after_rules();
            if (!jobs.empty() || (!ended_.empty() && Clock::now() >= end_due_)) settle();
            if (stopping && jobs.empty()) return;
        }
    }

    /// Until packets, jobs or changes of links are there, or somebody's time is over. Whether to end.
    bool wait() {
        std::array<pollfd, 4> watched{{{wake_.get(), POLLIN, 0},
                                       {queue_ ? queue_->fd() : -1, POLLIN, 0},
                                       {bridges_.fd(), POLLIN, 0},
                                       {news_.fd(), POLLIN, 0}}};
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
        if (watched[3].revents != 0) heed_news();
        const std::lock_guard lock(mutex_);
        return stopping_;
    }

    void heed_news() {
        const RuleNews::News news = news_.read();
        if (news.tables || news.forwarding) changed_by_ = news.by;
        tables_changed_ = tables_changed_ || news.tables;
        if (news.forwarding) look_due_ = Clock::now();
    }

    /// Puts right what somebody else changed. Our own tables at once; of the rest a release must not wait for it.
    void look_after_rules() {
        if (std::exchange(tables_changed_, false)) {
            if (!routes_.verify()) look_due_ = std::min(look_due_, Clock::now() + retry_pause);
            tell(routes_.take_found());
            if (const auto found = six_.verify()) tell(*found);
            transactions_ = routes_.transactions();
        }
        if (Clock::now() < look_due_) return;
        if (held_ports(routes_.table()).empty()) {
            static_cast<void>(ensure());
            transactions_ = routes_.transactions();
        } else {
            look_due_ = Clock::now() + look_after_hold;
        }
    }

    void tell(const std::string& found) {
        if (found.empty()) return;
        const std::string by = std::exchange(changed_by_, {});
        const std::lock_guard lock(mutex_);
        if (told_) loop_.post([told = told_, text = by.empty() ? found : found + " (" + by + ")"] { told(text); });
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
        static_cast<void>(lead_back());
        static_cast<void>(six_.commit(routes_.table()));
        if (!ended_.empty() && Clock::now() >= end_due_) static_cast<void>(end_open());
        static_cast<void>(open_way_back());
    }

    Status ensure() {
        look_due_ = Clock::now() + retry_pause;
        FLOCKER_CHECK_OK(routes_.verify());
        tell(routes_.take_found());
        FLOCKER_TRY(const std::string in_six, six_.verify());
        tell(in_six);
        FLOCKER_TRY(const std::string found, ensure_forwarding());
        tell(found);
        FLOCKER_CHECK_OK(open_way_back());
        look_due_ = Clock::now() + look_pause;
        return {};
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
        tell(routes_.take_found());
        note_unclean(before, wanted);
        note_ended(before, wanted);
        note_astray(before, wanted);
        return let_go(before);
    }

    /// Which open connections lead to nobody any more. Of a container that is stopped they go on until its port
    /// is open again, or closed.
    void note_ended(const model::RouteTable& before, const model::RouteTable& now) {
        for (const auto& [port, entry] : now) {
            const auto was = before.find(port);
            if (port.protocol == Protocol::udp || entry.lost.empty()) continue;
            if (was != before.end() && was->second.lost == entry.lost) continue;
            ended_.push_back({port.number, {entry.lost, port.number, false}});
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
            const bool serves = port.protocol == Protocol::tcp && entry.target && entry.target->local && !entry.held;
            if (serves) served_[port.number] = *entry.target;
        }
    }

    /// Of UDP there are no connections that could end: what goes elsewhere than its port leads to now is led there. While
    /// a port is held nothing gets so far.
    void note_astray(const model::RouteTable& before, const model::RouteTable& now) {
        for (const ExternalPort& port : ports_of(before, now)) {
            if (port.protocol != Protocol::udp || is_held(now, port)) continue;
            if (is_held(before, port) || target_of(before, port) != target_of(now, port)) {
                astray_[port.number] = target_of(now, port);
            }
        }
    }

    Status lead_back() {
        auto forgotten = conntrack_.forget_flows(astray_);
        if (!forgotten) return fail_in("flows of datagrams to an old target", std::move(forgotten).error());
        astray_.clear();
        return {};
    }

    /// Tried again after a while, whatever stood in the way.
    Status end_open() {
        end_due_ = Clock::now() + retry_pause;
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
        for (const ExternalPort& port : ports_of(before, now)) {
            const auto target = target_of(before, port);
            if (port.protocol == Protocol::udp || is_held(before, port) || !target || !target->local) continue;
            if (is_held(now, port)) {
                unclean_[port.number] = std::nullopt;
            } else if (target != target_of(now, port)) {
                unclean_[port.number] = target_of(now, port);
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
    /// before the transaction: it goes with the others, in its place.
    Status let_go(const model::RouteTable& before) {
        std::set<ExternalPort> released = held_ports(before);
        take_in(ports_held(before, routes_.table()));
        for (const ExternalPort& port : held_ports(routes_.table())) released.erase(port);
        if (released.empty() || !queue_) return {};
        // One that asked before the hold, and again during it, must not follow its old entry.
        const bool all_clean = std::none_of(released.begin(), released.end(), [this](const ExternalPort& port) {
            return port.protocol == Protocol::tcp && unclean_.contains(port.number);
        });
        Status cleaned = all_clean ? Status{} : clean();
        // The first of the released datagrams would follow its old entry.
        const bool udp = std::any_of(released.begin(), released.end(),
                                     [](const ExternalPort& port) { return port.protocol == Protocol::udp; });
        if (Status led = udp ? lead_back() : Status{}; !led) cleaned = std::move(led);
        const std::vector<std::uint32_t> packets = waiting_.release(released);
        waiting_count_ = waiting_.size();
        released_ += packets.size();
        FLOCKER_CHECK_OK(queue_->decide(packets, Verdict::again));
        return cleaned;
    }

    /// For poll: rounded up, so that it does not wake before.
    [[nodiscard]] int until_next_due() const {
        auto due = std::min(waiting_.next_due().value_or(look_due_), look_due_);
        if (!ended_.empty()) due = std::min(due, end_due_);
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(due - Clock::now());
        return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, std::numeric_limits<int>::max()));
    }

    void refuse_overdue() {
        if (!queue_) return;
        const std::vector<std::uint32_t> packets = waiting_.overdue(Clock::now());
        const std::vector<std::uint32_t> datagrams = waiting_.overdue_datagrams(Clock::now());
        waiting_count_ = waiting_.size();
        dropped_ += datagrams.size();
        if (!refuse(packets) || !queue_->decide(datagrams, Verdict::drop)) lose_queue();
    }

    Status refuse(const std::vector<std::uint32_t>& packets) {
        refused_ += packets.size();
        return queue_->decide(packets, Verdict::refuse);
    }

    /// Packets that arrived: they wait, or are refused if there is no room, or go on if their port is
    /// held no longer.
    void take_in(const std::set<ExternalPort>& held) {
        if (!queue_) return;
        auto arrived = queue_->arrived();
        if (!arrived) return lose_queue();
        const Clock::time_point now = Clock::now();
        std::vector<std::uint32_t> dropped;
        std::vector<std::uint32_t> passed;
        std::vector<std::uint32_t> refused;
        for (const QueuedPacket& packet : *arrived) {
            const bool udp = packet.connection.protocol == Protocol::udp;
            if (!held.contains({packet.connection.destination_port, packet.connection.protocol})) {
                passed.push_back(packet.id);
                continue;
            }
            const WaitingRoom::Admission admission = waiting_.admit(packet, now);
            if (admission.replaced) dropped.push_back(*admission.replaced);
            if (admission.waits) continue;
            (udp ? dropped : refused).push_back(packet.id);
            if (udp) ++dropped_;
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
        FLOCKER_TRY(PacketQueue opened, PacketQueue::open(held_queue, bounds_.connections + bounds_.datagrams));
        queue_ = std::move(opened);
        return {};
    }

    ports::Loop& loop_;
    KernelRoutes routes_;
    SixRoutes six_;
    Conntrack conntrack_;
    ClientPrompt prompt_;
    BridgePorts bridges_;
    RuleNews news_;
    std::optional<PacketQueue> queue_;
    WaitingBounds bounds_;
    WaitingRoom waiting_;
    /// Ports whose unanswered connections are to be forgotten, but for those to this target.
    std::map<std::uint16_t, std::optional<model::RouteTarget>> unclean_;
    /// UDP ports whose flows are to be led to this target.
    std::map<std::uint16_t, std::optional<model::RouteTarget>> astray_;
    std::map<std::uint16_t, model::RouteTarget> served_;  ///< The container that a port led to when it was open last.
    std::vector<OldRoute> ended_;  ///< Their open connections are to be forgotten, when it is time.
    Clock::time_point end_due_;
    Clock::time_point look_due_{Clock::now() + look_pause};
    bool tables_changed_{false};
    std::string changed_by_;  ///< Who changed rules last; told with what was found.
    std::atomic<std::uint64_t> transactions_{0};
    std::atomic<std::uint64_t> waiting_count_{0};
    std::atomic<std::uint64_t> released_{0};
    std::atomic<std::uint64_t> refused_{0};
    std::atomic<std::uint64_t> dropped_{0};
    std::mutex mutex_;
    std::vector<Job> jobs_;
    std::function<void(const std::string&)> told_;
    bool stopping_{false};
    posix::Fd wake_;
    std::thread thread_;
};

NftRouter::NftRouter(std::unique_ptr<Worker> worker, ports::Loop& loop, KernelLease lease, Listeners listeners)
    : loop_(loop),
      worker_(std::move(worker)),
      lease_(loop, [this, kernel = std::make_shared<KernelLease>(std::move(lease))](Duration duration) {
          Status outcome = kernel->run_for(duration);
          if (!outcome) worker_->ask(std::nullopt, [](const Status&) {});
          return outcome;
      }),
      listeners_(loop, std::move(listeners)) {}
NftRouter::~NftRouter() = default;

Result<std::unique_ptr<NftRouter>> NftRouter::open(ports::Loop& loop, WaitingBounds bounds) {
    posix::Fd wake(eventfd(0, EFD_CLOEXEC));
    if (!wake) return system_failure("making an eventfd", errno);
    FLOCKER_TRY(PacketQueue queue, PacketQueue::open(held_queue, bounds.connections + bounds.datagrams));
    FLOCKER_TRY(KernelRoutes routes, KernelRoutes::open());
    FLOCKER_TRY(Conntrack conntrack, Conntrack::open());
    FLOCKER_TRY(ClientPrompt prompt, ClientPrompt::open());
    FLOCKER_TRY(BridgePorts bridges, BridgePorts::open());
    FLOCKER_TRY(SixRoutes six, SixRoutes::open());
    FLOCKER_TRY(RuleNews news, RuleNews::open());
    FLOCKER_CHECK_OK(ensure_forwarding());
    FLOCKER_TRY(KernelLease lease, KernelLease::open(routes.bridged()));
    FLOCKER_TRY(Listeners listeners, Listeners::open());
    auto worker = std::make_unique<Worker>(loop, std::move(routes), std::move(conntrack), std::move(prompt),
                                           std::move(bridges), std::move(news), std::move(six), std::move(queue),
                                           std::move(wake), bounds);
    return std::unique_ptr<NftRouter>(new NftRouter(std::move(worker), loop, std::move(lease), std::move(listeners)));
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

void NftRouter::watch(std::function<void(const std::string&)> told) {
    worker_->watch(std::move(told));
}

void NftRouter::find_taken(Done<std::vector<model::TakenPort>> done) {
    listeners_.find([own = worker_->own_port(), done = std::move(done)](Result<std::vector<model::TakenPort>> found) {
        if (found && own != 0) {
            std::erase_if(*found, [&](const auto& each) { return each.number == own && each.protocol == Protocol::tcp; });
        }
        done(std::move(found));
    });
}

NftRouter::Counters NftRouter::counters() const {
    return worker_->counters();
}

Status NftRouter::remove_everything() {
    FLOCKER_TRY(NftSession nft, NftSession::open());
    FLOCKER_TRY(const std::string tables, nft.run("list tables\n"));
    // A kernel without that family may not know how to remove what is not there.
    const bool bridged = tables.find("table bridge flocker\n") != std::string::npos;
    const bool sixed = tables.find("table ip6 flocker\n") != std::string::npos;
    FLOCKER_TRY(const std::string removed, nft.run(removal_text() + (bridged ? bridge_removal_text() : "") +
                                                   (sixed ? six_removal_text() : "")));
    withdraw_forwarding();
    return {};
}

}  // namespace flocker::nftables
