// SPDX-License-Identifier: Apache-2.0
#include "adapters/nftables/ruleset.hpp"

#include <gtest/gtest.h>

namespace flocker::nftables {
namespace {

using model::RouteEntry;
using model::RouteTable;
using model::RouteTarget;

RouteEntry local(std::string address, std::uint16_t port) {
    return {RouteTarget{std::move(address), port, true}, false};
}
RouteEntry remote(std::string address, std::uint16_t port) {
    return {RouteTarget{std::move(address), port, false}, false};
}
RouteEntry held(RouteEntry entry) {
    entry.held = true;
    return entry;
}
RouteEntry leased(RouteEntry entry) {
    entry.leased = true;
    return entry;
}

TEST(Transaction, IsEmptyBetweenEqualTables) {
    const RouteTable table{{80, local("172.30.0.2", 8080)}, {81, held({})}, {82, {}}};

    EXPECT_EQ(transaction(table, table), "");
    EXPECT_EQ(transaction({}, {}), "");
}

TEST(Transaction, AddsAllElementsOfAKindInOneCommand) {
    const RouteTable to{{80, local("172.30.0.2", 8080)}, {81, held(remote("10.0.0.2", 81))}, {82, {}}, {83, held({})}};

    EXPECT_EQ(transaction({}, to),
              "add element ip flocker routes { 80 : 172.30.0.2 . 8080, 81 : 10.0.0.2 . 81 }\n"
              "add element ip flocker peers { 10.0.0.2 }\n"
              "add element ip flocker held { 81, 83 }\n"
              "add element ip flocker closed { 82 }\n");
}

TEST(Transaction, KeepsTheTwoProtocolsOfANumberApart) {
    using enum model::Protocol;
    const RouteTable to{{53, local("172.30.0.2", 53)},
                        {{53, udp}, local("172.30.0.3", 5353)},
                        {{54, udp}, held({})},
                        {{55, udp}, {}}};

    EXPECT_EQ(transaction({}, to),
              "add element ip flocker routes { 53 : 172.30.0.2 . 53 }\n"
              "add element ip flocker udp_routes { 53 : 172.30.0.3 . 5353 }\n"
              "add element ip flocker udp_held { 54 }\n"
              "add element ip flocker udp_closed { 55 }\n");
}

TEST(HasRulesOf, TellsWhenOneIsMissingOrTooMany) {
    const std::string shape = "table ip flocker {\n    chain a {\n        type filter hook input priority 0; policy accept;\n"
                              "        tcp dport 1 drop\n        tcp dport 2 drop\n    }\n"
                              "    chain b {\n        accept\n    }\n}\n";
    const std::string first = "table ip flocker {\n\tset s {\n\t\ttype inet_service\n\t}\n\n\tchain a {\n"
                              "\t\ttype filter hook input priority filter; policy accept;\n\t\ttcp dport 1 drop\n";
    EXPECT_TRUE(has_rules_of(first + "\t\ttcp dport 2 drop\n\t}\n\n\tchain b {\n\t\t\n\t}\n\n\tchain mark {\n\t}\n}\n", shape));
    EXPECT_FALSE(has_rules_of(first + "\t}\n\n\tchain b {\n\t\taccept\n\t}\n}\n", shape));
    EXPECT_FALSE(has_rules_of(first + "\t\ttcp dport 2 drop\n\t}\n\tchain b {\n\t\taccept\n\t\taccept\n\t}\n}\n", shape));
    EXPECT_FALSE(has_rules_of("table ip flocker {\n\tchain a {\n\t}\n}\n", shape));
}

TEST(Transaction, TouchesOnlyTheRouteThatChanges) {
    const RouteTable from{{80, local("172.30.0.2", 8080)}, {81, local("172.30.0.3", 5432)}};
    const RouteTable to{{80, local("172.30.0.2", 8080)}, {81, local("172.30.0.4", 5432)}};

    EXPECT_EQ(transaction(from, to),
              "delete element ip flocker routes { 81 }\n"
              "add element ip flocker routes { 81 : 172.30.0.4 . 5432 }\n");
}

TEST(Transaction, ReleasesAndRetargetsTogether) {
    const RouteTable from{{81, held(local("172.30.0.3", 5432))}};
    const RouteTable to{{81, remote("10.0.0.2", 81)}};

    EXPECT_EQ(transaction(from, to),
              "delete element ip flocker routes { 81 }\n"
              "add element ip flocker routes { 81 : 10.0.0.2 . 81 }\n"
              "add element ip flocker peers { 10.0.0.2 }\n"
              "delete element ip flocker held { 81 }\n");
}

TEST(Transaction, KeepsAPeerThatAnotherRouteStillNeeds) {
    const RouteTable from{{80, remote("10.0.0.2", 80)}, {81, remote("10.0.0.2", 81)}};
    const RouteTable to{{80, remote("10.0.0.2", 80)}};

    EXPECT_EQ(transaction(from, to), "delete element ip flocker routes { 81 }\n");
}

TEST(Transaction, LeasesEachContainerOnceWhateverItsPortsAndHeldOrNot) {
    const RouteTable to{{80, leased(local("172.30.0.2", 8080))},
                        {81, leased(held(local("172.30.0.2", 81)))},
                        {82, leased(held(local("172.30.0.3", 82)))},
                        {83, leased(remote("10.0.0.2", 83))},
                        {84, leased({})}};

    EXPECT_NE(transaction({}, to).find("add element ip flocker leased { 172.30.0.2, 172.30.0.3 }\n"), std::string::npos);
    EXPECT_EQ(bridge_transaction({}, to), "add element bridge flocker leased { 172.30.0.2, 172.30.0.3 }\n");
}

TEST(Transaction, TouchesNoRouteWhenItBecomesLeasedAndNeverTheLease) {
    const RouteTable unleased{{80, local("172.30.0.2", 8080)}};
    const RouteTable under_lease{{80, leased(local("172.30.0.2", 8080))}};

    EXPECT_EQ(transaction(unleased, under_lease), "add element ip flocker leased { 172.30.0.2 }\n");
    EXPECT_EQ(bridge_transaction(unleased, under_lease), "add element bridge flocker leased { 172.30.0.2 }\n");
    EXPECT_EQ(transaction(under_lease, unleased), "delete element ip flocker leased { 172.30.0.2 }\n");
    EXPECT_EQ(bridge_transaction(under_lease, unleased), "delete element bridge flocker leased { 172.30.0.2 }\n");
    EXPECT_EQ(bridge_transaction(under_lease, under_lease), "");
}

TEST(Validate, RefusesWhatIsNotAnAddressOrAPort) {
    EXPECT_TRUE(validate({{80, local("172.30.0.2", 8080)}, {81, {}}}));
    for (const char* address : {"", "alder", "fe80::1", "10.0.0.2 }; flush ruleset", "10.0.0"}) {
        const auto outcome = validate({{80, local(address, 8080)}});
        ASSERT_FALSE(outcome) << address;
        EXPECT_EQ(outcome.error().code, ErrorCode::invalid_argument);
        EXPECT_NE(outcome.error().message.find("port 80"), std::string::npos);
    }
    EXPECT_FALSE(validate({{80, local("172.30.0.2", 0)}}));
    EXPECT_FALSE(validate({{0, {}}}));
}

TEST(ParseListing, GivesBackTheTableThatTheElementsStandFor) {
    const auto listing = parse_listing(
        "table ip flocker {\n"
        "\tmap routes {\n\t\ttype inet_service : ipv4_addr . inet_service\n"
        "\t\telements = { 80 : 172.30.0.2 . 8080, 81 : 10.0.0.2 . 81,\n"
        "\t\t\t     90 : 172.30.0.4 . 443 }\n\t}\n\n"
        "\tset peers {\n\t\ttype ipv4_addr\n\t\telements = { 10.0.0.2 }\n\t}\n\n"
        "\tset held {\n\t\ttype inet_service\n\t\telements = { 81, 83 }\n\t}\n\n"
        "\tset closed {\n\t\ttype inet_service\n\t\telements = { 82 }\n\t}\n\n"
        "\tmap udp_routes {\n\t\ttype inet_service : ipv4_addr . inet_service\n"
        "\t\telements = { 80 : 172.30.0.3 . 8081 }\n\t}\n\n"
        "\tset udp_held {\n\t\ttype inet_service\n\t\telements = { 81 }\n\t}\n\n"
        "\tset udp_closed {\n\t\ttype inet_service\n\t\telements = { 84 }\n\t}\n\n"
        "\tchain shape_4 {\n\t}\n}\n");

    ASSERT_TRUE(listing) << listing.error();
    EXPECT_TRUE(listing->complete);
    EXPECT_EQ(listing->table, (RouteTable{{80, local("172.30.0.2", 8080)},
                                          {81, held(remote("10.0.0.2", 81))},
                                          {82, {}},
                                          {83, held({})},
                                          {90, local("172.30.0.4", 443)},
                                          {{80, model::Protocol::udp}, local("172.30.0.3", 8081)},
                                          {{81, model::Protocol::udp}, held({})},
                                          {{84, model::Protocol::udp}, {}}}));
}

TEST(ParseListing, TellsLeasedContainersFromOthersAndDoesNotTakeTheLeaseForOne) {
    const auto listing = parse_listing(
        "table ip flocker {\n"
        "\tmap routes {\n\t\ttype inet_service : ipv4_addr . inet_service\n"
        "\t\telements = { 80 : 172.30.0.2 . 8080, 81 : 172.30.0.3 . 81 }\n\t}\n\n"
        "\tset leased {\n\t\ttype ipv4_addr\n\t\telements = { 172.30.0.3 }\n\t}\n\n"
        "\tset lease {\n\t\ttype ether_type\n\t\tflags timeout\n\t\telements = { 0x0800 timeout 4s }\n\t}\n}\n");

    ASSERT_TRUE(listing) << listing.error();
    EXPECT_EQ(listing->table,
              (RouteTable{{80, local("172.30.0.2", 8080)}, {81, leased(local("172.30.0.3", 81))}}));
}

TEST(BridgeAgrees, OnlyWithJustTheLeasedContainersAndTheMarker) {
    const RouteTable table{{80, leased(local("172.30.0.2", 8080))}, {81, local("172.30.0.3", 81)}};
    const std::string set = "table bridge flocker {\n\tset leased {\n\t\telements = { 172.30.0.2 }\n\t}\n";
    const std::string marker = "\tchain shape_4 {\n\t}\n";

    EXPECT_TRUE(bridge_agrees(set + marker + "}\n", table));
    EXPECT_FALSE(bridge_agrees(set + "}\n", table));
    EXPECT_FALSE(bridge_agrees(set + marker + "}\n", {}));
    EXPECT_FALSE(bridge_agrees("table bridge flocker {\n\tset leased {\n\t}\n" + marker + "}\n", table));
}

TEST(ParseListing, ReadsAnEmptyOrUnfinishedTable) {
    const auto listing = parse_listing(
        "table ip flocker {\n\tmap routes {\n\t\ttype inet_service : ipv4_addr . inet_service\n\t}\n\n"
        "\tset held {\n\t\ttype inet_service\n\t\telements = { 5 }\n\t}\n}\n");

    ASSERT_TRUE(listing);
    EXPECT_FALSE(listing->complete);
    EXPECT_EQ(listing->table, (RouteTable{{5, held({})}}));
}

TEST(ParseListing, RefusesWhatItCanNotRead) {
    const auto listing = parse_listing("table ip flocker {\n\tset held {\n\t\telements = { postgres }\n\t}\n}\n");

    ASSERT_FALSE(listing);
    EXPECT_EQ(listing.error().code, ErrorCode::corrupt);
}

}  // namespace
}  // namespace flocker::nftables
