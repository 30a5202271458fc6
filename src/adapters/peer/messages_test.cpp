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
        AskImage{"registry.example:5000/redis:7"},
        AskLogs{model::ApplicationName{"db"}, UINT32_MAX, true},
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
