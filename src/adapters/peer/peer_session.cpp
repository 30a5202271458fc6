// SPDX-License-Identifier: Apache-2.0
#include "adapters/peer/peer_session.hpp"

#include <chrono>
#include <condition_variable>
#include <memory>
#include <string_view>
#include <thread>
#include <utility>
#include <variant>

#include "adapters/peer/body_source.hpp"
#include "adapters/peer/digest_lines.hpp"

namespace flocker::peer {
namespace {

/// Between two requests; longer than the other side keeps a stream.
constexpr Duration idle_between_requests = std::chrono::minutes{5};
/// How long and how much to read on after a refusal, so that the refusal is read.
constexpr Duration linger_limit = 2s;
constexpr std::uint64_t linger_bytes = std::uint64_t{64} << 20U;
/// How often who waits for the loop looks whether the server stops.
constexpr Duration stop_look_interval = 100ms;
/// How long a digest waits for the one before it to end.
constexpr Duration busy_patience = 2s;
/// Between two words of a digest's progress.
constexpr Duration progress_interval = 500ms;
constexpr std::string_view node_prefix = "node:";

std::optional<model::NodeId> node_of(const std::string& peer) {
    if (!peer.starts_with(node_prefix)) return std::nullopt;
    std::string id = peer.substr(node_prefix.size());
    if (!model::is_uuid(id)) return std::nullopt;
    return model::NodeId{std::move(id)};
}

}  // namespace

/// While it lives, tells the other side every few seconds that the answer is being worked on.
class PeerSession::StillHere {
public:
    explicit StillHere(PeerSession& session) : session_(session), thread_([this] { say_until_stopped(); }) {}
    ~StillHere() {
        {
            const std::lock_guard lock(mutex_);
            stopping_ = true;
        }
        changed_.notify_all();
        thread_.join();
    }
    StillHere(const StillHere&) = delete;
    StillHere& operator=(const StillHere&) = delete;

private:
    void say_until_stopped() {
        std::unique_lock lock(mutex_);
        while (!changed_.wait_for(lock, still_here_interval, [this] { return stopping_; })) {
            const std::lock_guard write_lock(session_.write_mutex_);
            session_.frames_.put_still_here();
            if (!session_.frames_.flush()) return;
        }
    }

    PeerSession& session_;
    std::mutex mutex_;
    std::condition_variable changed_;
    bool stopping_{false};
    std::thread thread_;
};

template <class T>
Result<T> PeerSession::on_loop(std::function<T()> ask) {
    struct Waiting {
        std::mutex mutex;
        std::condition_variable changed;
        std::optional<T> outcome;
    };
    // Shared, because the loop may come to it after the server was stopped.
    const auto waiting = std::make_shared<Waiting>();
    answering_.loop.post([waiting, ask = std::move(ask)] {
        T outcome = ask();
        const std::lock_guard lock(waiting->mutex);
        waiting->outcome = std::move(outcome);
        waiting->changed.notify_all();
    });
    std::unique_lock lock(waiting->mutex);
    while (!waiting->changed.wait_for(lock, stop_look_interval, [&] { return waiting->outcome.has_value(); })) {
        if (stopping_) return fail(ErrorCode::unavailable, "this agent is stopping");
    }
    return *std::move(waiting->outcome);
}

void PeerSession::run() {
    frames_.stream().set_idle_limit(idle_between_requests);
    for (;;) {
        const auto text = frames_.read_message();
        if (!text) {
            if (text.error().code == ErrorCode::corrupt) end_with(text.error());
            return;
        }
        peer_ = frames_.stream().peer();
        frames_.stream().set_idle_limit(silence_limit);
        const auto request = decode_request(*text);
        if (!request) return end_with(request.error());
        if (!answer(*request)) return;
        frames_.stream().set_idle_limit(idle_between_requests);
    }
}

bool PeerSession::answer(const Request& request) {
    const bool is_controls = std::holds_alternative<AskLogs>(request) || std::holds_alternative<AskHold>(request) ||
                             std::holds_alternative<AskDigest>(request);
    if (is_controls ? peer_ != "control" : !node_of(peer_)) {
        end_with({ErrorCode::denied, "'" + peer_ + "' may not ask this of an agent"});
        return false;
    }
    if (const Status known = is_controls ? Status{} : ask_whether_known(); !known) {
        end_with(known.error());
        return false;
    }
    return std::visit([this](const auto& one) { return answer(one); }, request);
}

Status PeerSession::ask_whether_known() {
    const auto ask = [&inbox = answering_.inbox, node = *node_of(peer_)] { return inbox.knows(node); };
    FLOCKER_TRY(const Status known, on_loop<Status>(ask));
    return known;
}

bool PeerSession::answer(const AskHoldings& ask) {
    auto held = on_loop<ports::Holdings>(
        [&inbox = answering_.inbox, dataset = ask.dataset] { return inbox.holdings(dataset); });
    if (!held) return reply({Reply::Kind::done, tl::unexpected(held.error()), {}});
    // Only the store knows of parts. One that can't be told is one that can't be gone on with.
    const auto part = answering_.snapshots.kept(ask.dataset);
    if (part && *part && !held->partial)
        held->partial = model::PartialSeen{(*part)->base, (*part)->to, (*part)->at.offset, (*part)->epoch};
    return reply({Reply::Kind::done, {}, *std::move(held)});
}

bool PeerSession::answer(const OfferSnapshot& offer) {
    const ports::SnapshotOffer shown{*node_of(peer_), offer.dataset, offer.epoch, offer.base, offer.to};
    const auto admitted = on_loop<Status>([&inbox = answering_.inbox, shown] { return inbox.admit(shown); });
    if (!admitted) return refuse_body(admitted.error());
    if (!*admitted) return refuse_body(admitted->error());
    const bool usable = receive(offer, shown);
    return usable;
}

std::optional<ports::KeptPart> PeerSession::kept_of(const OfferSnapshot& offer) {
    if (!offer.goes_on) return std::nullopt;
    auto part = answering_.snapshots.kept(offer.dataset).value_or(std::nullopt);
    const bool same = part && part->epoch == offer.epoch && part->base == offer.base && part->to == offer.to;
    return same ? std::move(part) : std::nullopt;
}

bool PeerSession::receive(const OfferSnapshot& offer, const ports::SnapshotOffer& shown) {
    const std::optional<ports::KeptPart> kept = kept_of(offer);
    const bool told = reply({Reply::Kind::admitted, {}, {}, kept ? std::optional(kept->at) : std::nullopt});
    RestartedBody body(frames_);
    std::optional<StillHere> still_here;
    const ports::Source source = [&](std::span<std::byte> buffer) {
        auto size = body.read(buffer);
        // From here on the sender only waits.
        if (body.ended() && !still_here) still_here.emplace(*this);
        return size;
    };
    const auto take = [&]() -> Status {
        Bytes from;
        if (kept) {
            FLOCKER_TRY(from, body.begin(kept->at.offset));
        }
        if (from != Bytes{}) return answering_.snapshots.read_on(offer.dataset, *kept, source);
        return answering_.snapshots.read(offer.dataset, offer.epoch, offer.base, offer.to, source);
    };
    const Status outcome = told ? take() : Status{};
    still_here.reset();
    answering_.loop.post([&inbox = answering_.inbox, shown] { inbox.received(shown); });
    if (!told || !body.problem()) {
        if (told && body.problem().error().code == ErrorCode::corrupt) end_with(body.problem().error());
        return false;
    }
    if (!outcome && !body.ended()) {
        end_with(outcome.error());
        return false;
    }
    // The store may know the end of a snapshot before the end of the body.
    if (!body.skip()) return false;
    return reply({Reply::Kind::done, outcome, {}});
}

// The sender stops by itself after `unadmitted_max` bytes, or at the end of a smaller body.
bool PeerSession::refuse_body(const Error& error) {
    if (!reply({Reply::Kind::done, tl::unexpected(error), {}})) return false;
    frames_.stream().set_idle_limit(linger_limit);
    return BodySource(frames_).skip(unadmitted_max).has_value();
}

bool PeerSession::answer(const AskImage& ask) {
    return reply_with_body([&](const ports::Sink& sink) -> Status {
        FLOCKER_TRY(const bool here, answering_.engine.has_image(ask.name));
        if (!here) return fail(ErrorCode::not_found, "image " + ask.name + " is not on this node");
        return answering_.engine.export_image(ask.name, sink);
    });
}

bool PeerSession::answer(const AskLogs& ask) {
    if (logs_.fetch_add(1) >= PeerServer::logs_max) {
        --logs_;
        return reply_with_body([](const ports::Sink&) -> Status {
            return fail(ErrorCode::unavailable, "too many ask for logs of this node; end some of them");
        });
    }
    const bool usable = reply_with_body([&](const ports::Sink& sink) {
        return answering_.engine.logs(ask.application, ask.tail, ask.follow,
                                      [&](std::span<const std::byte> bytes) -> Status {
                                          FLOCKER_CHECK_OK(sink(bytes));
                                          const std::lock_guard lock(write_mutex_);
                                          return frames_.flush();
                                      });
    });
    --logs_;
    return usable;
}

Status PeerSession::hold(const AskHold& ask) {
    let_tree_go();
    if (!answering_.digests) return fail(ErrorCode::invalid_argument, "this agent makes no digests");
    // One whose client has just gone away is about to be let go.
    for (Duration waited{}; tree_held_.exchange(true); waited += stop_look_interval) {
        if (waited >= busy_patience || stopping_)
            return fail(ErrorCode::unavailable, "a digest is being made on this node already; wait for its end");
        std::this_thread::sleep_for(stop_look_interval);
    }
    auto tree = answering_.digests->hold(ask.dataset, ask.snapshot);
    if (!tree) {
        tree_held_ = false;
        return tl::unexpected(tree.error());
    }
    tree_ = *std::move(tree);
    return {};
}

void PeerSession::let_tree_go() {
    if (!tree_) return;
    tree_.reset();
    tree_held_ = false;
}

bool PeerSession::answer(const AskHold& ask) { return reply({Reply::Kind::done, hold(ask), {}}); }

bool PeerSession::answer(const AskDigest& ask) {
    return reply_with_body([&](const ports::Sink& sink) -> Status {
        if (!tree_) return fail(ErrorCode::conflict, "no tree is held for this stream");
        const auto say = [&](const DigestLine& line) -> Status {
            const std::string text = encode(line);
            FLOCKER_CHECK_OK(sink(std::as_bytes(std::span(text))));
            const std::lock_guard lock(write_mutex_);
            return frames_.flush();
        };
        auto said = std::chrono::steady_clock::now() - progress_interval;
        const auto listener = [&](const std::variant<ports::DigestProgress, ports::DigestMark>& news) -> Status {
            if (stopping_) return fail(ErrorCode::unavailable, "this agent is stopping");
            if (const auto* mark = std::get_if<ports::DigestMark>(&news)) return say(*mark);
            const auto now = std::chrono::steady_clock::now();
            if (now - said < progress_interval) return {};
            said = now;
            return say(std::get<ports::DigestProgress>(news));
        };
        FLOCKER_TRY(const ports::TreeDigest digest, tree_->digest(ask.only, listener));
        return say(digest);
    });
}

bool PeerSession::reply(const Reply& reply) {
    const std::lock_guard lock(write_mutex_);
    frames_.put_message(encode(reply));
    return frames_.flush().has_value();
}

bool PeerSession::reply_with_body(const std::function<Status(const ports::Sink&)>& write) {
    Status outcome;
    {
        const StillHere still_here(*this);
        outcome = write([this](std::span<const std::byte> bytes) -> Status {
            const std::lock_guard lock(write_mutex_);
            return frames_.put_data(bytes);
        });
    }
    const std::lock_guard lock(write_mutex_);
    frames_.put_end();
    frames_.put_message(encode(Reply{Reply::Kind::done, std::move(outcome), {}}));
    return frames_.flush().has_value();
}

void PeerSession::end_with(const Error& error) {
    if (!reply({Reply::Kind::done, tl::unexpected(error), {}})) return;
    frames_.stream().finish_writing();
    frames_.stream().set_idle_limit(linger_limit);
    const auto deadline = std::chrono::steady_clock::now() + linger_limit;
    std::vector<std::byte> dropped(data_wished);
    std::uint64_t left = linger_bytes;
    while (std::chrono::steady_clock::now() < deadline) {
        const auto got = frames_.stream().read_some(dropped);
        if (!got || *got == 0 || *got > left) return;
        left -= *got;
    }
}

}  // namespace flocker::peer
