// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include "api/documents_json.hpp"
#include "api/testing.hpp"
#include "codec/json.hpp"

namespace flocker::api {
namespace {

using namespace testing;
using ::testing::HasSubstr;

/// Collects what a body writes; fails from the `lines`th line on.
struct Listener {
    explicit Listener(std::size_t lines) : left(lines) {}

    ports::Sink sink() {
        return [this](std::span<const std::byte> bytes) -> Status {
            const std::string_view piece(reinterpret_cast<const char*>(bytes.data()), bytes.size());
            text += piece;
            const auto lines = static_cast<std::size_t>(std::ranges::count(piece, '\n'));
            left -= std::min(left, lines);
            if (left == 0) return fail(ErrorCode::unavailable, "gone");
            if (lines > 0 && next) std::exchange(next, nullptr)();
            return {};
        };
    }

    std::size_t left;
    std::string text;
    std::function<void()> next;  ///< Called once, after the first line.
};

class StreamsTest : public ::testing::Test {
protected:
    StreamsTest() {
        cluster.add(alder);
        cluster.add(birch);
    }
    const model::Node alder = node("alder", "10.0.0.1");
    const model::Node birch = node("birch", "10.0.0.2");
    TestControl cluster;
};

TEST_F(StreamsTest, GivesTheEventsInPages) {
    const auto all = from_json<EventsDocument>(cluster.ask("GET", "/v1/events").body).value().events;
    ASSERT_EQ(all.size(), 2U);
    EXPECT_EQ(all[0].kind, model::EventKind::node_joined);

    EXPECT_EQ(from_json<EventsDocument>(cluster.ask("GET", "/v1/events?after=1").body)->events.at(0).subject, "birch");
    EXPECT_EQ(from_json<EventsDocument>(cluster.ask("GET", "/v1/events?limit=1").body)->events.at(0).subject, "alder");
    EXPECT_EQ(from_json<EventsDocument>(cluster.ask("GET", "/v1/events?latest=1").body)->events.at(0).subject, "birch");
    EXPECT_EQ(cluster.ask("GET", "/v1/events?limit=many").status, 400U);
}

TEST_F(StreamsTest, FollowsTheEventsAsTheyHappen) {
    const Reply reply = cluster.ask_as("user:ann", "GET", "/v1/events?follow=1&latest=1");
    ASSERT_TRUE(reply.body);
    Listener listener(2);
    listener.next = [&] { cluster.add(node("cedar", "10.0.0.3")); };

    EXPECT_FALSE(reply.body(listener.sink())) << "ends when the client is gone";

    const auto second = listener.text.substr(listener.text.find('\n') + 1);
    EXPECT_THAT(listener.text, HasSubstr("birch"));
    EXPECT_EQ(codec::decode<model::Event>(second).value().subject, "cedar");
}

TEST_F(StreamsTest, StopsFollowingWhenTheServiceStops) {
    const Reply reply = cluster.ask_as("user:ann", "GET", "/v1/events?follow=1&latest=1");
    Listener listener(9);
    listener.next = [&] { cluster.api().close(); };

    static_cast<void>(reply.body(listener.sink()));

    EXPECT_THAT(listener.text, HasSubstr("birch"));
}

TEST_F(StreamsTest, GetsTheLogsFromTheOwner) {
    cluster.ask("POST", "/v1/deploy", to_json(DeployRequest{deployment({{"birch", application("web", 80)}}), {}}));
    std::uint32_t asked = 0;
    cluster.logs = [&](const model::Node& from, const model::ApplicationName&, std::uint32_t tail, bool follow,
                       const ports::Sink& sink) {
        EXPECT_TRUE(follow);
        asked = tail;
        return say(sink, from.name + "\n");
    };

    const Reply reply = cluster.ask_as("user:ann", "GET", "/v1/applications/web/logs?tail=7&follow=1");
    Listener listener(9);
    ASSERT_TRUE(reply.body);
    EXPECT_TRUE(reply.body(listener.sink()));

    EXPECT_EQ(listener.text, "birch\n");
    EXPECT_EQ(asked, 7U);
}

}  // namespace
}  // namespace flocker::api
