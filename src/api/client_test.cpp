// SPDX-License-Identifier: Apache-2.0
#include "api/client.hpp"

#include <gmock/gmock.h>

#include "api/documents_json.hpp"
#include "api/testing.hpp"

namespace flocker::api {
namespace {

using namespace testing;
using ::testing::HasSubstr;

class ClientTest : public ::testing::Test {
protected:
    ClientTest() {
        cluster.add(node("alder", "10.0.0.1"));
        cluster.add(node("birch", "10.0.0.2"));
    }

    TestControl cluster;
    Client client{[this](const Call& call) -> Result<http::Response> {
        http::Request request = call.request;
        request.peer = "user:ann";
        const Reply reply = cluster.api().serve(request);
        if (reply.body) FLOCKER_CHECK_OK(reply.body(call.sink));
        return reply.response;
    }};
};

TEST_F(ClientTest, SpeaksWithTheService) {
    EXPECT_EQ(client.version().value().api, "v1");
    EXPECT_EQ(client.nodes().value().nodes.size(), 2U);
    EXPECT_EQ(client.latest_events(1).value().events.at(0).subject, "birch");
    EXPECT_TRUE(client.create_token({2min}));
    EXPECT_EQ(client.tokens().value().tokens.size(), 1U);
    EXPECT_TRUE(client.revoke_token("t1"));

    const auto planned = client.deploy({deployment({{"alder", database("db", 5432)}}), false});
    EXPECT_EQ(std::get<PlanDocument>(planned.value()).steps.at(0).kind, StepKind::start);
    EXPECT_EQ(client.status().value().applications.at(0).name, "db");
    EXPECT_EQ(client.volumes().value().volumes.size(), 1U);
    EXPECT_EQ(client.volume("db").value().dataset, orders);
    EXPECT_FALSE(client.why("db").value().reasons.empty());
    EXPECT_TRUE(client.moves({}).value().ended.empty());
    EXPECT_TRUE(client.moves("db").value().ended.empty());
    EXPECT_EQ(client.moves("d b").error().message, "no application is called \"d b\"");
    EXPECT_EQ(std::get<RefusalsDocument>(client.failover({"db", {}, true}).value()).refusals.size(), 1U);
    EXPECT_EQ(std::get<PlanDocument>(client.drain("alder", true).value()).steps.at(0).node, "birch");
    EXPECT_TRUE(std::get<PlanDocument>(client.activate("alder").value()).steps.empty());
    EXPECT_EQ(client.settings().value().replicas, 1U);
    SettingsRequest wish;
    wish.replicas = 2;
    EXPECT_EQ(client.configure(wish).value().replicas, 2U);
    wish.replicas = 99;
    EXPECT_EQ(client.configure(wish).error().code, ErrorCode::invalid_argument);
    EXPECT_TRUE(client.remove_node("birch"));

    std::string text;
    EXPECT_TRUE(client.logs("db", 10, false, [&](std::span<const std::byte> bytes) -> Status {
        text.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
        return {};
    }));
    EXPECT_EQ(text, "db on alder\n");
}

TEST_F(ClientTest, GivesTheServicesErrorsWithTheirCode) {
    EXPECT_EQ(client.volume("a/b c").error(), (Error{ErrorCode::not_found, "no volume is called \"a/b c\""}));
    EXPECT_EQ(client.destroy_volume("x").error().code, ErrorCode::not_found);
    EXPECT_EQ(std::get<RefusalsDocument>(client.move({"db", "birch", {}}).value()).refusals.size(), 1U);
}

TEST(Client, MakesSenseOfAnAnswerThatIsNotOfTheService) {
    const Client proxy([](const Call&) { return Result<http::Response>(http::Response{502, {}, "<html>"}); });
    EXPECT_EQ(proxy.status().error().code, ErrorCode::unavailable);

    const Client stranger([](const Call&) { return Result<http::Response>(http::Response{200, {}, "<html>"}); });
    EXPECT_EQ(stranger.status().error().code, ErrorCode::corrupt);
    EXPECT_THAT(stranger.status().error().message, HasSubstr("of one version"));
}

}  // namespace
}  // namespace flocker::api
