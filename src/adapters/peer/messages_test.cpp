// SPDX-License-Identifier: Apache-2.0
#include "adapters/peer/messages.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "adapters/peer/frames.hpp"

namespace flocker::peer {
namespace {

const model::DatasetId dataset{"33333333-3333-4333-8333-333333333333"};
const model::SnapshotId first{model::Epoch{3}, 41};
const model::SnapshotId second{model::Epoch{3}, 42};

TEST(PeerMessages, BringEachRequestAsItIs) {
    const std::vector<Request> requests{
        AskHoldings{dataset},
        OfferSnapshot{dataset, model::Epoch{3}, first, second, Bytes{UINT64_MAX}},
        OfferSnapshot{dataset, model::Epoch{3}, std::nullopt, second, Bytes{0}},
        OfferSnapshot{dataset, model::Epoch{3}, std::nullopt, second, Bytes{0}, true},
        AskImage{"registry.example:5000/redis:7"},
        AskLogs{model::ApplicationName{"db"}, UINT32_MAX, true},
        AskHold{dataset, {model::Epoch{3}, 42}},
        AskDigest{},
        AskDigest{ports::DigestRange{256, 0}},
    };
    for (const auto& request : requests) EXPECT_TRUE(decode_request(encode(request)) == request) << encode(request);
}

TEST(PeerMessages, AreRefusedWhenSomethingIsMissingOrWrong) {
    const auto code_of = [](std::string_view text) { return decode_request(text).error().code; };

    EXPECT_EQ(code_of(""), ErrorCode::corrupt);
    EXPECT_EQ(code_of("[]"), ErrorCode::corrupt);
    EXPECT_EQ(code_of("{"), ErrorCode::corrupt);
    EXPECT_EQ(code_of(R"({"version":2,"request":"image","name":"x"})"), ErrorCode::invalid_argument);
    EXPECT_EQ(code_of(R"({"version":1,"request":"dance"})"), ErrorCode::invalid_argument);
    EXPECT_EQ(code_of(R"({"version":1,"request":"image"})"), ErrorCode::corrupt);
    EXPECT_EQ(code_of(R"({"version":1,"request":"image","name":7})"), ErrorCode::corrupt);
    EXPECT_EQ(code_of(R"({"version":1,"request":"holdings","dataset":"../../etc"})"), ErrorCode::corrupt);
    EXPECT_EQ(code_of(R"({"version":1,"request":"logs","application":"db","tail":-1,"follow":true})"),
              ErrorCode::corrupt);
    EXPECT_EQ(code_of(R"({"version":1,"request":"logs","application":"db","tail":4294967296,"follow":true})"),
              ErrorCode::corrupt);

    const std::string offer = encode(Request{OfferSnapshot{dataset, model::Epoch{3}, first, second, Bytes{7}}});
    const auto changed = [&](std::string_view from, std::string_view to) {
        std::string text = offer;
        return text.replace(text.find(from), from.size(), to);
    };
    EXPECT_EQ(code_of(changed(R"("e3-s42")", R"("e3-s42x")")), ErrorCode::corrupt);
    EXPECT_EQ(code_of(changed(R"("e3-s41")", "null")), ErrorCode::corrupt);
    EXPECT_EQ(code_of(changed(R"("epoch":3)", R"("epoch":"3")")), ErrorCode::corrupt);
    EXPECT_TRUE(decode_request(offer));
}

TEST(PeerMessages, BringEachErrorWithItsCode) {
    for (const auto code :
         {ErrorCode::invalid_argument, ErrorCode::not_found, ErrorCode::already_exists, ErrorCode::denied,
          ErrorCode::conflict, ErrorCode::unavailable, ErrorCode::timed_out, ErrorCode::corrupt, ErrorCode::internal}) {
        const auto reply = decode_reply(encode(Reply{Reply::Kind::done, fail(code, "why"), {}}));
        EXPECT_EQ(reply->status.error(), (Error{code, "why"}));
    }
}

TEST(PeerMessages, BringHoldings) {
    const auto reply = decode_reply(encode(Reply{Reply::Kind::done, {}, {model::Epoch{3}, {first, second}}}));

    EXPECT_TRUE(reply->status);
    EXPECT_EQ(reply->holdings.epoch, model::Epoch{3});
    EXPECT_EQ(reply->holdings.snapshots, (std::vector{first, second}));
}

TEST(PeerMessages, TellAdmissionFromTheEnd) {
    EXPECT_EQ(decode_reply(encode(Reply{Reply::Kind::admitted, {}, {}}))->kind, Reply::Kind::admitted);
    EXPECT_EQ(decode_reply(encode(Reply{}))->kind, Reply::Kind::done);
    EXPECT_EQ(decode_reply(R"({"outcome":"perhaps","epoch":1,"snapshots":[]})").error().code, ErrorCode::corrupt);
}

TEST(PeerMessages, BringAPlaceToGoOnFrom) {
    const ports::StreamPlace place{Bytes{UINT64_MAX}, "crc32c:00c0ffee"};
    EXPECT_EQ(decode_reply(encode(Reply{Reply::Kind::admitted, {}, {}, place}))->from, place);
    EXPECT_EQ(decode_reply(R"({"outcome":"admitted"})")->from, std::nullopt);
    for (const char* text : {R"({"outcome":"admitted","from":1})", R"({"outcome":"admitted","from":-1,"digest":"x"})",
                             R"({"outcome":"admitted","from":1,"digest":7})"})
        EXPECT_EQ(decode_reply(text).error().code, ErrorCode::corrupt) << text;
    EXPECT_EQ(
        decode_reply(encode(Reply{Reply::Kind::admitted, {}, {}, {{Bytes{1}, std::string(129, 'x')}}})).error().code,
        ErrorCode::corrupt);

    EXPECT_EQ(decode_beginning(encode_beginning(Bytes{UINT64_MAX})), Bytes{UINT64_MAX});
    EXPECT_EQ(decode_beginning("{}").error().code, ErrorCode::corrupt);
    EXPECT_EQ(decode_beginning(R"({"from":"0"})").error().code, ErrorCode::corrupt);
}

TEST(PeerMessages, BringWhatHasComeInPart) {
    for (const std::optional<model::SnapshotId>& base : {std::optional<model::SnapshotId>{}, std::optional(first)}) {
        Reply reply;
        reply.holdings.partial = model::PartialSeen{base, second, Bytes{7}, model::Epoch{3}};
        EXPECT_EQ(decode_reply(encode(reply))->holdings.partial, reply.holdings.partial);
    }
    EXPECT_EQ(decode_reply(encode(Reply{}))->holdings.partial, std::nullopt);
    EXPECT_EQ(decode_reply(R"({"outcome":"ok","epoch":1,"snapshots":[],"partial":{"to":"e1"}})").error().code,
              ErrorCode::corrupt);
    EXPECT_EQ(decode_reply(R"({"outcome":"ok","epoch":1,"snapshots":[],"partial":7})").error().code,
              ErrorCode::corrupt);
}

TEST(PeerMessages, ReadThoseOfAgentsThatCannotGoOn) {
    const auto offer =
        decode_request(R"({"version":1,"request":"snapshot","dataset":"33333333-3333-4333-8333-333333333333",)"
                       R"("epoch":3,"to":"e3-s42","expected_bytes":0})");
    ASSERT_TRUE(offer);
    EXPECT_FALSE(std::get<OfferSnapshot>(*offer).goes_on);
    EXPECT_EQ(encode(Reply{Reply::Kind::admitted, {}, {}}), R"({"outcome":"admitted"})");
}

TEST(PeerMessages, FitIntoAFrameWhateverIsInThem) {
    Reply many;
    many.holdings.epoch = model::Epoch{UINT64_MAX};
    for (std::uint64_t i = 0; i < 5000; ++i)
        many.holdings.snapshots.push_back({model::Epoch{UINT64_MAX}, UINT64_MAX - 5000 + i});
    const auto text = encode(many);
    std::string awkward;
    while (awkward.size() < message_max) awkward += "\x01\xc3\xa4";

    EXPECT_LE(text.size(), message_max);
    EXPECT_EQ(decode_reply(text)->holdings.snapshots.back(), many.holdings.snapshots.back());
    EXPECT_LE(encode(Reply{Reply::Kind::done, fail(ErrorCode::internal, awkward), {}}).size(), message_max);
}

}  // namespace
}  // namespace flocker::peer
