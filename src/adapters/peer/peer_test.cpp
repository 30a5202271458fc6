// SPDX-License-Identifier: Apache-2.0
//
// The protocol over real TLS.
#include <gmock/gmock.h>

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <future>
#include <map>
#include <mutex>
#include <thread>

#include "adapters/peer/crc32c.hpp"
#include "adapters/peer/logs_client.hpp"
#include "adapters/peer/messages.hpp"
#include "adapters/peer/peer_link.hpp"
#include "adapters/peer/peer_server.hpp"
#include "adapters/posix/event_loop.hpp"
#include "adapters/peer/testing.hpp"

namespace flocker::peer {
namespace {

using ::testing::HasSubstr;
using namespace peer::testing;

class Peers : public ::testing::Test, protected TwoPeers {
protected:
    /// As if it had been cut.
    void keep_far(const ports::KeptPart& part) {
        far_.part = part;
        far_.part_text = pattern(20'000'000).substr(0, part.at.offset.value);
    }
    /// Until the server has noticed that the stream was cut.
    void await_part() {
        while (!far_.kept(dataset)->has_value()) std::this_thread::yield();
    }
};

TEST_F(Peers, CarryASnapshotOfTenMegabytes) {
    near_.to_send[second] = pattern(10'000'000);

    const auto receipt = send(first, second);

    ASSERT_TRUE(receipt) << receipt.error();
    EXPECT_EQ(receipt->bytes, Bytes{10'000'000});
    EXPECT_TRUE(far_.held_of(second) == near_.to_send[second]);
    settle();
    ASSERT_EQ(inbox_.offers.size(), 1U);
    EXPECT_EQ(inbox_.offers[0].from.value, tls::testing::alder);
    EXPECT_EQ(inbox_.offers[0].dataset, dataset);
    EXPECT_EQ(inbox_.offers[0].epoch, model::Epoch{3});
    EXPECT_EQ(inbox_.offers[0].base, first);
    EXPECT_EQ(inbox_.offers[0].to, second);
    EXPECT_EQ(inbox_.ended.size(), 1U);
    ASSERT_FALSE(progress_.empty());
    EXPECT_EQ(progress_.back().sent, Bytes{10'000'000});
    EXPECT_EQ(progress_.back().expected, Bytes{12345});
}

TEST_F(Peers, CarrySnapshotsOfAllSizesAroundTheLimits) {
    std::uint64_t sequence = 100;
    for (const std::size_t size : {std::size_t{0}, std::size_t{1}, unadmitted_max - 1, unadmitted_max,
                                   unadmitted_max + 1, data_max, data_max + 1}) {
        const model::SnapshotId id{model::Epoch{3}, ++sequence};
        near_.to_send[id] = pattern(size);
        const auto receipt = send(first, id);
        ASSERT_TRUE(receipt) << size << receipt.error();
        EXPECT_EQ(receipt->bytes, Bytes{size});
        EXPECT_TRUE(far_.held_of(id) == near_.to_send[id]) << size;
    }
    EXPECT_EQ(listener_->accepted, 1);
}

TEST_F(Peers, UseOneConnectionForManyRequests) {
    near_.to_send[second] = "increment";
    far_engine_.images["redis:7"] = "layers";

    for (int i = 0; i < 5; ++i) EXPECT_TRUE(send(first, second));
    EXPECT_TRUE(holdings(dataset));
    EXPECT_TRUE(fetch("redis:7"));
    inbox_.answer = fail(ErrorCode::denied, "not expected");
    EXPECT_FALSE(send(first, second));
    EXPECT_FALSE(fetch("nosuch:1"));
    EXPECT_TRUE(holdings(dataset));

    EXPECT_EQ(listener_->accepted, 1);
}

TEST_F(Peers, ConnectAgainWhenTheKeptConnectionIsGone) {
    ASSERT_TRUE(holdings(dataset));
    listener_->cut_last();

    EXPECT_TRUE(holdings(dataset));
    EXPECT_EQ(listener_->accepted, 2);
}

TEST_F(Peers, RefuseASnapshotBeforeAByteGoesToTheStore) {
    inbox_.answer = fail(ErrorCode::denied, "no assignment expects it");
    for (const std::size_t size : {std::size_t{10}, std::size_t{10'000'000}}) {
        near_.to_send[second] = pattern(size);

        const auto outcome = send(first, second);

        ASSERT_FALSE(outcome);
        EXPECT_EQ(outcome.error(),
                  (Error{ErrorCode::denied, "snapshot e3-s42 to node birch: no assignment expects it"}));
    }
    EXPECT_EQ(far_.reads, 0);
    settle();
    EXPECT_TRUE(inbox_.ended.empty());
}

TEST_F(Peers, TellTheSenderWhyTheStoreWantsNoMore) {
    near_.to_send[second] = pattern(50'000'000);
    far_.refuse = fail(ErrorCode::unavailable, "no room on the pool");

    const auto outcome = send(first, second);

    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error(), (Error{ErrorCode::unavailable, "snapshot e3-s42 to node birch: no room on the pool"}));
    settle();
    EXPECT_EQ(inbox_.ended.size(), 1U);
}

TEST_F(Peers, LeaveNothingOfASnapshotThatIsCutInTheMiddleAndSaySo) {
    near_.to_send[second] = pattern(20'000'000);
    near_.in_the_middle = [this] { listener_->cut_last(); };

    const auto outcome = send(first, second);

    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, ErrorCode::unavailable) << outcome.error();
    EXPECT_EQ(far_.held_of(second), "");
    near_.in_the_middle = nullptr;
    EXPECT_TRUE(send(first, second));
}

TEST_F(Peers, GoOnWithASnapshotFromWhereItWasCut) {
    near_.to_send[second] = pattern(20'000'000);
    far_.keeps = true;
    near_.in_the_middle = [this] { listener_->cut_last(); };
    ASSERT_FALSE(send(first, second));
    near_.in_the_middle = nullptr;
    await_part();
    const auto kept = far_.part->at.offset;
    ASSERT_GT(kept.value, 5'000'000U);
    EXPECT_EQ(holdings(dataset)->partial, (model::PartialSeen{first, second, kept, model::Epoch{3}}));
    settle();
    progress_.clear();

    const auto receipt = send(first, second);

    ASSERT_TRUE(receipt) << receipt.error();
    EXPECT_TRUE(far_.held_of(second) == near_.to_send[second]);
    EXPECT_EQ(far_.reads, 1);
    EXPECT_EQ(far_.reads_on, 1);
    EXPECT_GE(receipt->bytes, Bytes{20'000'000 - kept.value});
    EXPECT_LE(receipt->bytes, Bytes{20'000'000 - kept.value + unadmitted_max});
    settle();
    EXPECT_EQ(progress_.back().sent, Bytes{20'000'000});
    EXPECT_EQ(inbox_.ended.size(), 2U);
    EXPECT_EQ(holdings(dataset)->partial, std::nullopt);
    EXPECT_TRUE(send(first, second)) << "the connection is as good as before";
    EXPECT_EQ(listener_->accepted, 2);
}

TEST_F(Peers, BeginASnapshotAnewWhenWhatIsKeptIsOfAnotherStream) {
    for (const std::size_t size : {std::size_t{20'000'000}, std::size_t{2'000'000}, std::size_t{100'000}}) {
        near_.to_send[second] = pattern(size);
        keep_far({model::Epoch{3}, first, second, {Bytes{3'000'000}, "none of this"}});

        const auto receipt = send(first, second);

        ASSERT_TRUE(receipt) << size << receipt.error();
        EXPECT_TRUE(far_.held_of(second) == near_.to_send[second]) << size;
        EXPECT_LE(receipt->bytes, Bytes{size + unadmitted_max});
    }
    EXPECT_EQ(far_.reads_on, 0);
    EXPECT_EQ(listener_->accepted, 1);
}

TEST_F(Peers, BeginASnapshotAnewWhenSomethingElseIsKept) {
    near_.to_send[second] = pattern(2'000'000);
    const ports::StreamPlace place{Bytes{1'000'000}, MemorySnapshots::digest_of(pattern(2'000'000).substr(0, 1'000'000))};
    const std::vector<ports::KeptPart> others{{model::Epoch{2}, first, second, place},
                                              {model::Epoch{3}, std::nullopt, second, place},
                                              {model::Epoch{3}, first, {model::Epoch{3}, 43}, place}};
    for (const auto& other : others) {
        keep_far(other);
        ASSERT_TRUE(send(first, second));
        EXPECT_TRUE(far_.held_of(second) == near_.to_send[second]);
    }
    EXPECT_EQ(near_.writes_on, 0);
}

TEST_F(Peers, TellTheSenderWhenWhatWasKeptIsRefusedInTheEnd) {
    near_.to_send[second] = pattern(20'000'000);
    keep_far({model::Epoch{3}, first, second,
              {Bytes{1'000'000}, MemorySnapshots::digest_of(near_.to_send[second].substr(0, 1'000'000))}});
    far_.refuse = fail(ErrorCode::unavailable, "what was kept is gone");

    EXPECT_EQ(send(first, second).error(),
              (Error{ErrorCode::unavailable, "snapshot e3-s42 to node birch: what was kept is gone"}));
}

TEST_F(Peers, SayThatTheOutcomeIsUnknownWhenTheReceiptIsLost) {
    near_.to_send[second] = pattern(1'000'000);
    far_.after_read = [this] { listener_->cut_last(); };

    const auto outcome = send(first, second);

    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, ErrorCode::timed_out) << outcome.error();
    EXPECT_TRUE(far_.held_of(second) == near_.to_send[second]);
}

TEST_F(Peers, EndTheSendingOfASnapshotThatIsNotThere) {
    const auto outcome = send(first, second);

    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, ErrorCode::not_found);
    EXPECT_EQ(far_.held_of(second), "");
    near_.to_send[second] = "now it is";
    EXPECT_TRUE(send(first, second));
}

TEST_F(Peers, TellWhatTheyHold) {
    const auto held = holdings(dataset);

    ASSERT_TRUE(held) << held.error();
    EXPECT_EQ(held->epoch, model::Epoch{3});
    EXPECT_EQ(held->snapshots, (std::vector{first, second}));
    EXPECT_TRUE(holdings(model::DatasetId{"44444444-4444-4444-8444-444444444444"})->snapshots.empty());
}

TEST_F(Peers, AreUnavailableWhenNobodyListens) {
    server_.reset();
    listener_.reset();

    EXPECT_EQ(holdings(dataset).error().code, ErrorCode::unavailable);
}

TEST_F(Peers, TalkToTheTargetOnly) {
    birch_.id = model::NodeId{"55555555-5555-4555-8555-555555555555"};

    const auto outcome = holdings(dataset);

    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, ErrorCode::denied);
    EXPECT_THAT(outcome.error().message, HasSubstr("and not node birch"));
}

TEST_F(Peers, CopyAnImage) {
    far_engine_.images["redis:7"] = pattern(3'000'000);

    const auto outcome = fetch("redis:7");

    ASSERT_TRUE(outcome) << outcome.error();
    EXPECT_TRUE(near_engine_.imported == far_engine_.images["redis:7"]);
}

TEST_F(Peers, DoNotAskTheEngineToTakeAnImageThatIsNotThere) {
    const auto outcome = fetch("redis:7");

    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, ErrorCode::not_found);
    EXPECT_EQ(near_engine_.imports, 0);
}

TEST_F(Peers, DoNotTakeAnImageWhoseExportBroke) {
    far_engine_.images["redis:7"] = pattern(3'000'000);
    far_engine_.export_ends = fail(ErrorCode::unavailable, "the engine stopped");

    const auto outcome = fetch("redis:7");

    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error(), (Error{ErrorCode::unavailable, "image redis:7 from node birch: the engine stopped"}));
    EXPECT_EQ(near_engine_.imported, "");
}

TEST_F(Peers, GiveLogsToTheControlService) {
    std::string got;
    const ports::Sink sink = [&](std::span<const std::byte> bytes) -> Status {
        got.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
        return {};
    };
    const auto connector = cluster_.control().connector(birch_itself());

    EXPECT_TRUE(fetch_logs(connector, "127.0.0.1", listener_->port(), model::ApplicationName{"db"}, 7, false, sink));
    EXPECT_EQ(got, "tail 7\n");
    EXPECT_EQ(fetch_logs(connector, "127.0.0.1", listener_->port(), model::ApplicationName{"web"}, 7, false, sink)
                  .error()
                  .code,
              ErrorCode::not_found);
}

TEST_F(Peers, FollowLogsUntilTheReaderHasEnough) {
    std::size_t got = 0;
    const ports::Sink sink = [&](std::span<const std::byte> bytes) -> Status {
        got += bytes.size();
        if (got > 100'000) return fail(ErrorCode::conflict, "enough");
        return {};
    };

    const auto outcome = fetch_logs(cluster_.control().connector(birch_itself()), "127.0.0.1", listener_->port(),
                                    model::ApplicationName{"db"}, 0, true, sink);

    EXPECT_EQ(outcome.error().message, "enough");
    server_->stop();  // ends only if the following has ended
}

TEST_F(Peers, GiveLogsToNobodyElseAndSnapshotsNotToTheControlServiceOrUsers) {
    const ports::Sink sink = [](std::span<const std::byte>) -> Status { return {}; };
    const auto logs = fetch_logs(alder_tls_.connector(birch_itself()), "127.0.0.1", listener_->port(),
                                 model::ApplicationName{"db"}, 7, false, sink);
    EXPECT_EQ(logs.error().code, ErrorCode::corrupt);

    for (const auto& who : {cluster_.control(), cluster_.user("eve")}) {
        FrameStream frames(connect_as(who));
        frames.put_message(encode(Request{AskHoldings{dataset}}));
        ASSERT_TRUE(frames.flush());
        EXPECT_EQ(decode_reply(value_of(frames.read_message()))->status.error().code, ErrorCode::denied);
    }
}

TEST_F(Peers, GiveNothingToANodeThatWasRemovedFromTheCluster) {
    inbox_.removed = model::NodeId{tls::testing::alder};
    const std::vector<Request> requests{AskHoldings{dataset}, AskImage{"redis:7"},
                                        OfferSnapshot{dataset, model::Epoch{3}, first, second, Bytes{10}}};
    for (const Request& request : requests) {
        FrameStream frames(connect_as(cluster_.node(tls::testing::alder)));
        frames.put_message(encode(request));
        ASSERT_TRUE(frames.flush());
        const auto reply = decode_reply(value_of(frames.read_message()));
        ASSERT_TRUE(reply && !reply->status);
        EXPECT_EQ(reply->status.error().code, ErrorCode::denied);
        EXPECT_THAT(reply->status.error().message, HasSubstr("is no member"));
    }
    EXPECT_EQ(far_.reads, 0);
    EXPECT_TRUE(inbox_.offers.empty());
}

TEST_F(Peers, OfferNothingToASenderThatCannotGoOn) {
    keep_far({model::Epoch{3}, first, second, {Bytes{1}, "x"}});
    FrameStream frames(connect_as(alder_tls_));
    frames.put_message(encode(Request{OfferSnapshot{dataset, model::Epoch{3}, first, second, Bytes{}}}));
    ASSERT_TRUE(frames.put_data(bytes_of("all of it")));
    frames.put_end();
    ASSERT_TRUE(frames.flush());

    EXPECT_EQ(value_of(frames.read_message()), R"({"outcome":"admitted"})");
    EXPECT_TRUE(decode_reply(value_of(frames.read_message()))->status);
    EXPECT_EQ(far_.held_of(second), "all of it");
}

TEST_F(Peers, RefuseABodyThatGoesOnElsewhereThanWasOffered) {
    for (const std::string& begun : {encode_beginning(Bytes{5}), std::string("{}"), std::string("x")}) {
        keep_far({model::Epoch{3}, first, second, {Bytes{7}, "x"}});
        FrameStream frames(connect_as(alder_tls_));
        frames.put_message(encode(Request{OfferSnapshot{dataset, model::Epoch{3}, first, second, Bytes{}, true}}));
        ASSERT_TRUE(frames.flush());
        EXPECT_EQ(decode_reply(value_of(frames.read_message()))->from, (ports::StreamPlace{Bytes{7}, "x"}));
        frames.put_message(begun);
        ASSERT_TRUE(frames.flush());

        EXPECT_EQ(decode_reply(value_of(frames.read_message()))->status.error().code, ErrorCode::corrupt) << begun;
    }
    EXPECT_EQ(far_.reads + far_.reads_on, 0);
}

TEST_F(Peers, RefuseMoreOfABodyThanMayComeBeforeItIsAdmitted) {
    keep_far({model::Epoch{3}, first, second, {Bytes{7}, "x"}});
    FrameStream frames(connect_as(alder_tls_));
    frames.put_message(encode(Request{OfferSnapshot{dataset, model::Epoch{3}, first, second, Bytes{}, true}}));
    ASSERT_TRUE(frames.put_data(bytes_of(pattern(2 * unadmitted_max))));
    ASSERT_TRUE(frames.flush());

    EXPECT_TRUE(decode_reply(value_of(frames.read_message()))->from);
    EXPECT_EQ(decode_reply(value_of(frames.read_message()))->status.error().code, ErrorCode::corrupt);
}

/// Writes `bytes` as a node, and reads what the server says at last.
Status answer_to(std::unique_ptr<posix::Stream> stream, const std::string& bytes) {
    FLOCKER_CHECK_OK(stream->write_all(bytes_of(bytes)));
    FrameStream frames(std::move(stream));
    for (;;) {
        FLOCKER_TRY(const std::string text, frames.read_message());
        FLOCKER_TRY(const Reply reply, decode_reply(text));
        if (reply.kind == Reply::Kind::done) return reply.status;
    }
}

std::string frame_of(char kind, const std::string& bytes, std::uint32_t checksum) {
    std::string frame(1, kind);
    for (const std::uint32_t number : {static_cast<std::uint32_t>(bytes.size()), checksum}) {
        for (int shift = 24; shift >= 0; shift -= 8) frame += static_cast<char>((number >> shift) & 255U);
    }
    return frame + bytes;
}
std::string message_frame(const std::string& json) {
    return frame_of('M', json, crc32c(0, bytes_of(json)));
}

TEST_F(Peers, RefuseARequestThatIsTooLongOrNoneAtAll) {
    EXPECT_EQ(answer_to(connect_as(alder_tls_), frame_of('M', std::string(message_max + 1, ' '), 0)).error().code,
              ErrorCode::corrupt);
    EXPECT_EQ(answer_to(connect_as(alder_tls_), "GET / HTTP/1.1\r\n\r\n").error().code, ErrorCode::corrupt);
    EXPECT_EQ(answer_to(connect_as(alder_tls_), message_frame("{}")).error().code, ErrorCode::invalid_argument);
    EXPECT_EQ(far_.reads, 0);
}

TEST_F(Peers, DoNotKeepASnapshotWithAWrongChecksum) {
    const auto request =
        message_frame(encode(Request{OfferSnapshot{dataset, model::Epoch{3}, first, second, Bytes{}}}));

    const auto outcome = answer_to(connect_as(alder_tls_), request + frame_of('D', "some bytes", 1));

    EXPECT_EQ(outcome.error().code, ErrorCode::corrupt);
    EXPECT_EQ(far_.reads, 1);
    EXPECT_EQ(far_.held_of(second), "");
}

TEST_F(Peers, DoNotKeepASnapshotThatIsShorterThanItsEndSays) {
    const auto request =
        message_frame(encode(Request{OfferSnapshot{dataset, model::Epoch{3}, first, second, Bytes{}}}));
    const auto sum = crc32c(0, bytes_of("abc"));

    const auto outcome = answer_to(connect_as(alder_tls_), request + frame_of('D', "abc", sum) +
                                                               frame_of('E', std::string("\0\0\0\0\0\0\0\4", 8), sum));

    EXPECT_EQ(outcome.error().code, ErrorCode::corrupt);
    EXPECT_EQ(far_.held_of(second), "");
}

TEST_F(Peers, StopWhileConnectionsAreKept) {
    ASSERT_TRUE(holdings(dataset));

    server_.reset();
    listener_.reset();

    EXPECT_EQ(holdings(dataset).error().code, ErrorCode::unavailable);
}

TEST_F(Peers, EndWhatIsUnderWayWhenTheLinkGoes) {
    std::promise<void> reading;
    std::promise<void> go_on;
    near_.to_send[second] = pattern(50'000'000);
    far_.before_read = [&] {
        reading.set_value();
        go_on.get_future().wait();
    };
    std::promise<Result<model::SendReceipt>> promise;
    loop_.post([&] {
        link_->send(
            {dataset, model::Epoch{3}, first, second, birch_}, [](model::SendProgress) {},
            [&](Result<model::SendReceipt> outcome) { promise.set_value(std::move(outcome)); });
    });
    reading.get_future().wait();

    link_.reset();

    EXPECT_EQ(promise.get_future().get().error().code, ErrorCode::unavailable);
    go_on.set_value();
}

/// FLKT_BENCH=1 peer_test --gtest_filter='*Rate': how fast bulk data goes through all of this on localhost.
TEST_F(Peers, TellTheirRate) {
    if (std::getenv("FLKT_BENCH") == nullptr) GTEST_SKIP() << "set FLKT_BENCH to measure";
    class Bulk final : public ports::SnapshotStreams {
    public:
        Result<Bytes> measure(const model::DatasetId&, std::optional<model::SnapshotId>, model::SnapshotId) override {
            return Bytes{};
        }
        Status write(const model::DatasetId&, std::optional<model::SnapshotId>, model::SnapshotId,
                     const ports::Sink& sink) override {
            const std::vector<std::byte> piece(std::size_t{256} << 10U);
            for (int i = 0; i < count; ++i) FLOCKER_CHECK_OK(sink(piece));
            return {};
        }
        Status read(const model::DatasetId&, model::Epoch, std::optional<model::SnapshotId>, model::SnapshotId,
                    const ports::Source& source) override {
            std::vector<std::byte> buffer(std::size_t{256} << 10U);
            for (;;) {
                FLOCKER_TRY(const std::size_t size, source(buffer));
                if (size == 0) return {};
            }
        }
        int count{8192};
    } bulk;
    server_.reset();
    link_.reset();
    CuttableListener listener(
        value_of(cluster_.node(tls::testing::birch).listen("127.0.0.1", 0, tls::ClientCertificates::required)));
    birch_.data_port = listener.port();
    PeerServer server(listener, Answering{loop_, inbox_, bulk, far_engine_});
    link_.emplace(loop_, alder_tls_.connector(birch_itself()), bulk, near_engine_);
    const auto timed = [&](int count) {
        bulk.count = count;
        const auto begin = std::chrono::steady_clock::now();
        const auto receipt = send(first, second);
        EXPECT_TRUE(receipt) << receipt.error();
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    };
    timed(1);
    const double bulk_seconds = timed(8192);
    double small_seconds = 0;
    for (int i = 0; i < 200; ++i) small_seconds += timed(1);
    std::printf("bulk: %.0f MB/s; 256 KiB increment on a kept connection: %.2f ms\n", 8192 * 0.262144 / bulk_seconds,
                small_seconds / 200 * 1000);
    link_.reset();
}

}  // namespace
}  // namespace flocker::peer
