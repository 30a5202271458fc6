// SPDX-License-Identifier: Apache-2.0
#include "adapters/peer/peer_link.hpp"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "adapters/peer/body_source.hpp"
#include "adapters/peer/messages.hpp"

namespace flocker::peer {
namespace {

Instant steady_now() {
    return {std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now().time_since_epoch()).count()};
}

/// A loss of the connection, before the other side can have got all it needs.
Error not_done(Error error) {
    if (error.code == ErrorCode::timed_out) error.code = ErrorCode::unavailable;
    return error;
}

Result<Reply> read_reply(FrameStream& frames) {
    FLOCKER_TRY(const std::string text, frames.read_message());
    return decode_reply(text);
}

}  // namespace

PeerLink::PeerLink(ports::Loop& loop, posix::Connector connector, ports::SnapshotStreams& snapshots,
                   ports::EngineStreams& engine)
    : loop_(loop), snapshots_(snapshots), engine_(engine), connections_(std::move(connector)), workers_(loop) {}

PeerLink::~PeerLink() {
    pacer_.close();
    connections_.close();
}

void PeerLink::holdings(const model::Node& target, const model::DatasetId& dataset, Done<ports::Holdings> done) {
    workers_.run<ports::Holdings>(
        [this, target, dataset]() -> Result<ports::Holdings> {
            auto outcome = ask_holdings(target, dataset);
            if (!outcome) return fail_in("node " + target.name, not_done(outcome.error()));
            return outcome;
        },
        std::move(done));
}

Result<ports::Holdings> PeerLink::ask_holdings(const model::Node& target, const model::DatasetId& dataset) {
    FLOCKER_TRY(auto lease, connections_.take(target));
    lease.frames().put_message(encode(Request{AskHoldings{dataset}}));
    FLOCKER_CHECK_OK(lease.frames().flush());
    FLOCKER_TRY(Reply reply, read_reply(lease.frames()));
    lease.keep();
    FLOCKER_CHECK_OK(std::move(reply.status));
    return std::move(reply.holdings);
}

/// One snapshot on its way: the sink that the store writes to, and what the target says meanwhile.
class PeerLink::Sending {
public:
    /// `pacer`: nullptr: nothing holds it back.
    Sending(FrameStream& frames, ports::Loop& loop, const std::function<void(model::SendProgress)>& progress,
            Bytes expected, Pacer* pacer, model::DatasetId dataset)
        : frames_(frames),
          loop_(loop),
          progress_(progress),
          expected_(expected),
          told_(steady_now()),
          pacer_(pacer),
          dataset_(std::move(dataset)) {}

    Status write(std::span<const std::byte> bytes) {
        // The store may go on after an error that it was given.
        if (problem_) return tl::unexpected(*problem_);
        while (!bytes.empty()) {
            if (place_) return fail(ErrorCode::conflict, "the other agent has a part of it");
            const auto allowed = wait_for_turn(std::min(bytes.size(), data_wished));
            if (!allowed) return keep_problem(tl::unexpected(allowed.error()));
            if (place_) continue;
            const auto piece = bytes.first(*allowed);
            if (Status outcome = write_piece(piece); !outcome) return keep_problem(std::move(outcome));
            bytes = bytes.subspan(piece.size());
        }
        return {};
    }
    /// Where the target can go on, if it said so: write() then wants no more of the body that was begun.
    [[nodiscard]] std::optional<ports::StreamPlace> take_place() { return std::exchange(place_, std::nullopt); }
    /// Leaves the body that was begun, and begins one that lies there in the snapshot's stream.
    void begin_body(Bytes from) {
        left_ += Bytes{frames_.body_bytes()};
        from_ = from;
        frames_.put_message(encode_beginning(from));
    }
    /// Nothing to write for now: the target shall know that it is waited for with reason.
    Status say_still_here() {
        if (problem_) return tl::unexpected(*problem_);
        const Instant now = steady_now();
        if (now - said_ < still_here_interval) return {};
        said_ = now;
        frames_.put_still_here();
        if (const Status sent = frames_.flush(); !sent) return keep_problem(tl::unexpected(explain(sent.error())));
        return frames_.has_news() ? keep_problem(hear_news()) : Status{};
    }
    /// By a bandwidth limit.
    [[nodiscard]] Duration waited() const { return waited_; }
    /// What went out, in all bodies.
    [[nodiscard]] Bytes bytes() const { return left_ + Bytes{frames_.body_bytes()}; }

    /// After all was written. From the moment that the end may have gone out, a loss leaves it open
    /// whether the target has the snapshot.
    [[nodiscard]] Status finish() {
        tell_progress();
        frames_.put_end();
        if (const Status sent = frames_.flush(); !sent) return tl::unexpected(not_done(explain(sent.error())));
        Result<Reply> reply = read_reply(frames_);
        if (reply && !std::exchange(admitted_, true) && reply->kind == Reply::Kind::admitted)
            reply = read_reply(frames_);
        if (!reply) return fail(ErrorCode::timed_out, "all was sent, but no receipt came: " + reply.error().message);
        return accept_last(*reply);
    }
    /// What the target or the connection did wrong; not the store.
    [[nodiscard]] const std::optional<Error>& problem() const { return problem_; }
    /// The target has said its last word, and all that was sent has been taken.
    [[nodiscard]] bool settled() const { return settled_; }

private:
    /// How many of the bytes may go now.
    Result<std::size_t> wait_for_turn(std::size_t wished) {
        if (pacer_ == nullptr) return wished;
        FLOCKER_TRY(const Pacer::Given given, pacer_->take(dataset_, wished, [this] { return say_still_here(); }));
        waited_ += given.waited;
        return given.bytes;
    }
    Status write_piece(std::span<const std::byte> piece) {
        if (frames_.body_bytes() + piece.size() > unadmitted_max && !admitted_) {
            if (const Status sent = frames_.flush(); !sent) return tl::unexpected(explain(sent.error()));
            FLOCKER_CHECK_OK(hear_news());
            if (place_) return {};
        }
        if (const Status sent = frames_.put_data(piece); !sent) return tl::unexpected(explain(sent.error()));
        unlooked_ += piece.size();
        if (unlooked_ >= data_wished) {
            unlooked_ = 0;
            if (frames_.has_news()) FLOCKER_CHECK_OK(hear_news());
        }
        if (steady_now() - told_ >= progress_interval) tell_progress();
        return {};
    }
    /// What the target says in the middle of the body: that it admits it, or why it wants no more.
    Status hear_news() {
        FLOCKER_TRY(const Reply reply, read_reply(frames_));
        if (reply.kind == Reply::Kind::done || admitted_) return refused(reply);
        admitted_ = true;
        place_ = reply.from;
        return {};
    }
    Status keep_problem(Status outcome) {
        if (!outcome) problem_ = outcome.error();
        return outcome;
    }
    static Status refused(const Reply& reply) {
        if (!reply.status) return reply.status;
        return fail(ErrorCode::corrupt, "the other agent answered before it had all");
    }
    Status accept_last(const Reply& reply) {
        if (reply.kind != Reply::Kind::done) return fail(ErrorCode::timed_out, "no receipt came");
        settled_ = true;
        return reply.status;
    }
    /// Who is refused learns of it as a broken connection; the reason may lie unread behind that.
    Error explain(Error error) {
        frames_.stream().set_idle_limit(reason_limit);
        for (int i = 0; i < 2; ++i) {
            const auto reply = read_reply(frames_);
            if (!reply) break;
            if (reply->kind == Reply::Kind::done && !reply->status) return reply->status.error();
        }
        return error;
    }
    void tell_progress() {
        const Instant now = steady_now();
        const bool limited = waited_ - waited_told_ > (now - told_) / 2;
        told_ = now;
        waited_told_ = waited_;
        const model::SendProgress at{from_ + Bytes{frames_.body_bytes()}, expected_, limited};
        loop_.post([progress = progress_, at] { progress(at); });
    }

    static constexpr Duration reason_limit = std::chrono::seconds{1};

    FrameStream& frames_;
    ports::Loop& loop_;
    const std::function<void(model::SendProgress)>& progress_;
    Bytes expected_;
    Instant told_;
    Instant said_{told_};  ///< That this is still here.
    Pacer* pacer_;
    model::DatasetId dataset_;
    Duration waited_{};
    Duration waited_told_{};
    Bytes from_;           ///< Where the body lies in the snapshot's stream.
    Bytes left_;           ///< Of bodies before it.
    std::optional<ports::StreamPlace> place_;
    bool admitted_{false};
    bool settled_{false};
    std::size_t unlooked_{0};  ///< Bytes since it was last looked whether the target has something to say.
    std::optional<Error> problem_;
};

void PeerLink::send(const model::SendOrder& order, std::function<void(model::SendProgress)> progress,
                    Done<model::SendReceipt> done) {
    workers_.run<model::SendReceipt>(
        [this, order, progress = std::move(progress)]() -> Result<model::SendReceipt> {
            auto outcome = send_now(order, progress);
            if (!outcome) {
                return fail_in("snapshot " + model::to_text(order.to) + " to node " + order.target.name,
                               outcome.error());
            }
            return outcome;
        },
        std::move(done));
}

Result<model::SendReceipt> PeerLink::send_now(const model::SendOrder& order,
                                              const std::function<void(model::SendProgress)>& progress) {
    const Bytes expected =
        order.urgent ? Bytes{} : snapshots_.measure(order.dataset, order.base, order.to).value_or(Bytes{});
    auto lease = connections_.take(order.target);
    if (!lease) return tl::unexpected(not_done(lease.error()));
    FrameStream& frames = lease->frames();
    if (order.urgent) frames.stream().set_idle_limit(silence_limit_urgent);
    frames.put_message(
        encode(Request{OfferSnapshot{order.dataset, order.epoch, order.base, order.to, expected, true}}));
    Sending sending(frames, loop_, progress, expected, order.urgent ? nullptr : &pacer_, order.dataset);
    Status written = snapshots_.write(order.dataset, order.base, order.to,
                                      [&](std::span<const std::byte> bytes) { return sending.write(bytes); });
    if (const auto place = sending.take_place()) written = write_rest(order, *place, sending);
    if (sending.problem()) return tl::unexpected(not_done(*sending.problem()));
    if (!written) return tl::unexpected(not_done(written.error()));
    const Status outcome = sending.finish();
    if (sending.settled()) lease->keep();
    FLOCKER_CHECK_OK(outcome);
    return model::SendReceipt{sending.bytes(), sending.waited()};
}

Status PeerLink::write_rest(const model::SendOrder& order, const ports::StreamPlace& from, Sending& sending) {
    bool begun = false;
    const auto begin_once = [&](Bytes at) {
        if (!std::exchange(begun, true)) sending.begin_body(at);
    };
    Status rest =
        snapshots_.write_on(order.dataset, order.base, order.to, from, [&](std::span<const std::byte> bytes) -> Status {
            if (bytes.empty()) return sending.say_still_here();
            begin_once(from.offset);
            return sending.write(bytes);
        });
    if (rest) begin_once(from.offset);
    const bool other_stream = !rest && rest.error().code == ErrorCode::conflict && !begun && !sending.problem();
    if (!other_stream) return rest;
    begin_once(Bytes{});
    return snapshots_.write(order.dataset, order.base, order.to,
                            [&](std::span<const std::byte> bytes) { return sending.write(bytes); });
}

void PeerLink::fetch_image(const model::Node& source, const std::string& image, Done<void> done) {
    workers_.run<void>(
        [this, source, image]() -> Status {
            const Status outcome = fetch_image_now(source, image);
            if (!outcome) return fail_in("image " + image + " from node " + source.name, not_done(outcome.error()));
            return outcome;
        },
        std::move(done));
}

Status PeerLink::fetch_image_now(const model::Node& source, const std::string& image) {
    FLOCKER_TRY(auto lease, connections_.take(source));
    lease.frames().put_message(encode(Request{AskImage{image}}));
    FLOCKER_CHECK_OK(lease.frames().flush());
    ReplyBody body(lease.frames());
    // An error comes before the engine is asked to take anything.
    Status outcome = body.begin();
    if (outcome) outcome = engine_.import_image([&](std::span<std::byte> buffer) { return body.read(buffer); });
    // What the engine did not care to read.
    if (outcome) outcome = body.skip();
    if (body.settled()) lease.keep();
    // The engine may have words of its own for what went wrong with its source.
    return body.problem() ? outcome : body.problem();
}

}  // namespace flocker::peer
