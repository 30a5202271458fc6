// SPDX-License-Identifier: Apache-2.0
#include "adapters/tls/authority.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "adapters/tls/private_file.hpp"
#include "adapters/tls/testing.hpp"

namespace flocker::tls {
namespace {

using testing::alder;
using testing::value_of;

// 2026-03-01T12:00:00Z
constexpr Instant noon{1'772'366'400'000'000'000};

TEST(Authority, LastsTenYearsAndIsNamedAfterTheCluster) {
    const auto authority = value_of(create_authority("acme", noon));

    const auto facts = value_of(read_certificate(authority.certificate));

    EXPECT_EQ(facts.common_name, "flocker cluster acme");
    EXPECT_EQ(to_utc_text(facts.valid_from), "2026-03-01T11:55:00.000Z");
    EXPECT_EQ(facts.valid_until, noon + authority_lifetime);
    EXPECT_NE(authority.key.find("PRIVATE KEY"), std::string::npos);
}

TEST(Authority, RefusesAClusterWithoutAName) {
    EXPECT_EQ(create_authority("", noon).error().code, ErrorCode::invalid_argument);
    EXPECT_EQ(create_authority(std::string(41, 'x'), noon).error().code, ErrorCode::invalid_argument);
}

TEST(Authority, WritesIntoANodesCertificateWhoAndWhereItIs) {
    const auto authority = value_of(create_authority("acme", noon));
    const auto made = value_of(make_key_and_request("node:" + alder));

    const auto facts =
        value_of(read_certificate(value_of(sign(authority, made.request, terms_for_node(alder, "10.0.0.2"), noon))));

    EXPECT_EQ(facts.common_name, "node:" + alder);
    EXPECT_EQ(facts.names.uris, std::vector{"flocker://node/" + alder});
    EXPECT_EQ(facts.names.addresses, std::vector<std::string>{"10.0.0.2"});
    EXPECT_EQ(facts.valid_until, noon + certificate_lifetime);
}

TEST(Authority, DecidesTheNameWhateverTheRequestAsksFor) {
    const auto authority = value_of(create_authority("acme", noon));
    const auto made =
        value_of(make_key_and_request("control", {.addresses = {"10.6.6.6"}, .hosts = {"evil"}, .uris = {}}));

    const auto facts = value_of(read_certificate(value_of(sign(authority, made.request, terms_for_user("eve"), noon))));

    EXPECT_EQ(facts.common_name, "user:eve");
    EXPECT_EQ(facts.names, AlternativeNames{});
}

TEST(Authority, WritesAddressesAndHostsOfTheControlService) {
    const auto authority = value_of(create_authority("acme", noon));
    const auto made = value_of(make_key_and_request("control"));
    const AlternativeNames names{.addresses = {"10.0.0.1", "fd00:0:0:0:0:0:0:1"}, .hosts = {"localhost"}, .uris = {}};

    const auto facts =
        value_of(read_certificate(value_of(sign(authority, made.request, terms_for_control(names), noon))));

    EXPECT_EQ(facts.common_name, "control");
    EXPECT_EQ(facts.names, names);
}

TEST(Authority, GivesEveryCertificateItsOwnFingerprint) {
    const auto authority = value_of(create_authority("acme", noon));
    const auto made = value_of(make_key_and_request("control"));

    const auto first = value_of(fingerprint(value_of(sign(authority, made.request, terms_for_user("eve"), noon))));
    const auto second = value_of(fingerprint(value_of(sign(authority, made.request, terms_for_user("eve"), noon))));

    EXPECT_EQ(first.size(), 64U);
    EXPECT_NE(first, second);
}

TEST(Authority, RefusesWhatIsNotARequest) {
    const auto authority = value_of(create_authority("acme", noon));
    const auto made = value_of(make_key_and_request("control"));
    auto torn = made.request;
    const auto middle = torn.size() / 2;
    torn[middle] = torn[middle] == 'A' ? 'B' : 'A';

    for (const auto& request : {std::string{}, std::string{"hello"}, authority.certificate, torn}) {
        const auto outcome = sign(authority, request, terms_for_user("eve"), noon);
        ASSERT_FALSE(outcome);
        EXPECT_EQ(outcome.error().code, ErrorCode::invalid_argument);
    }
}

TEST(Authority, RefusesAnAddressThatIsNone) {
    const auto authority = value_of(create_authority("acme", noon));
    const auto made = value_of(make_key_and_request("control"));

    const auto outcome = sign(authority, made.request, terms_for_node(alder, "not an address"), noon);

    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error(), (Error{ErrorCode::invalid_argument, "'not an address' is not an IP address"}));
    EXPECT_FALSE(make_key_and_request("control", {.addresses = {}, .hosts = {"two words"}, .uris = {}}));
    EXPECT_FALSE(make_key_and_request(std::string(65, 'x')));
}

TEST(Authority, RefusesToSignWithAnotherAuthoritysKey) {
    const auto authority = value_of(create_authority("acme", noon));
    const auto other = value_of(create_authority("acme", noon));
    const auto made = value_of(make_key_and_request("control"));

    const auto outcome = sign({authority.certificate, other.key}, made.request, terms_for_user("eve"), noon);

    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, ErrorCode::corrupt);
}

TEST(Authority, SaysThatGarbageIsNotACertificate) {
    EXPECT_EQ(fingerprint("garbage").error().code, ErrorCode::corrupt);
    EXPECT_EQ(read_certificate("").error().code, ErrorCode::corrupt);
}

TEST(Identity, IsReadFromTheNamesThatItWrites) {
    for (const auto& identity : {Identity{Identity::Role::control, ""}, Identity{Identity::Role::node, alder},
                                 Identity{Identity::Role::user, "eve@example.com"}}) {
        EXPECT_EQ(parse_identity(to_text(identity)), identity);
    }
}

TEST(Identity, IsNobodyForAnyOtherName) {
    for (const auto* name : {"", "control ", "Control", "node:", "node:alder", "user:", "user:a b", "root",
                             "node:11111111-1111-4111-8111-11111111111G"}) {
        EXPECT_EQ(parse_identity(name), std::nullopt) << name;
    }
    EXPECT_EQ(parse_identity("user:" + std::string(60, 'x')), std::nullopt);
}

class PrivateFile : public ::testing::Test {
protected:
    void SetUp() override {
        char folder[] = "/tmp/flkt-private-XXXXXX";
        ASSERT_NE(::mkdtemp(folder), nullptr);
        folder_ = folder;
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }
    [[nodiscard]] std::string path() const { return folder_ + "/key.pem"; }

    std::string folder_;
};

TEST_F(PrivateFile, IsReadableByItsOwnerAlone) {
    const auto mask = ::umask(0);
    ASSERT_TRUE(write_private(path(), "secret"));
    ::umask(mask);

    struct stat seen {};
    ASSERT_EQ(::stat(path().c_str(), &seen), 0);
    EXPECT_EQ(seen.st_mode & 0777U, 0600U);
}

TEST_F(PrivateFile, ReplacesWhatWasThereAndLeavesNothingBehind) {
    ASSERT_TRUE(write_private(path(), "a long old secret"));
    ASSERT_TRUE(write_private(path(), "new"));

    std::stringstream text;
    text << std::ifstream(path()).rdbuf();
    EXPECT_EQ(text.str(), "new");
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_), {}), 1);
}

TEST_F(PrivateFile, NamesThePathThatCanNotBeWritten) {
    const auto outcome = write_private(folder_ + "/none/key.pem", "secret");

    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, ErrorCode::unavailable);
    EXPECT_NE(outcome.error().message.find("/none/key.pem"), std::string::npos);
}

}  // namespace
}  // namespace flocker::tls
