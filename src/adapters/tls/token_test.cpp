// SPDX-License-Identifier: Apache-2.0
#include "adapters/tls/token.hpp"

#include <gtest/gtest.h>

#include "adapters/tls/testing.hpp"

namespace flocker::tls {
namespace {

using testing::value_of;

const std::string some_fingerprint = "00ff" + std::string(60, 'a');

JoinToken some_token() {
    return value_of(make_token({{"10.0.0.1", 4524}, {"control.example", 4524}}, some_fingerprint));
}

TEST(JoinToken, IsReadBackFromItsText) {
    const auto token = some_token();

    const auto text = to_text(token);

    EXPECT_TRUE(text.starts_with("FLKT-1-"));
    EXPECT_EQ(text.find_first_of(" \n\t+/="), std::string::npos);
    EXPECT_EQ(value_of(parse_token(text)), token);
    EXPECT_EQ(value_of(parse_token("  " + text + "\r\n")), token);
}

TEST(JoinToken, HasAFreshSecretOf128Bits) {
    EXPECT_EQ(some_token().secret.size(), 32U);
    EXPECT_NE(some_token().secret, some_token().secret);
}

TEST(JoinToken, IsRefusedWithEachCharacterChanged) {
    const auto text = to_text(some_token());

    for (std::size_t i = 0; i < text.size(); ++i) {
        auto torn = text;
        torn[i] = torn[i] == 'A' ? 'B' : 'A';
        EXPECT_FALSE(parse_token(torn)) << i;
    }
}

TEST(JoinToken, IsRefusedAtEachShorterLengthAndWhenSomethingFollows) {
    const auto text = to_text(some_token());

    for (std::size_t size = 0; size < text.size(); ++size) EXPECT_FALSE(parse_token(text.substr(0, size))) << size;
    EXPECT_FALSE(parse_token(text + "A"));
    EXPECT_FALSE(parse_token(text + text));
}

TEST(JoinToken, SaysWhatIsWrongWithGarbage) {
    EXPECT_EQ(parse_token("").error().message, "the join token is empty");
    EXPECT_EQ(parse_token("hello").error().message, "this is not a join token: it does not begin with FLKT-1-");
    EXPECT_EQ(parse_token("FLKT-2-AAAA").error().message,
              "the join token is of another version of flocker; make one with the version that runs here");
    EXPECT_EQ(parse_token("FLKT-1-" + std::string(100'000, 'A')).error().code, ErrorCode::invalid_argument);
}

TEST(JoinToken, IsNotMadeForAnAddressThatCanNotBeReached) {
    EXPECT_FALSE(make_token({}, some_fingerprint));
    EXPECT_FALSE(make_token({{"", 4524}}, some_fingerprint));
    EXPECT_FALSE(make_token({{"10.0.0.1", 0}}, some_fingerprint));
    EXPECT_FALSE(make_token({{"two words", 1}}, some_fingerprint));
    EXPECT_FALSE(make_token({{"10.0.0.1", 4524}}, "beef"));
    EXPECT_FALSE(make_token(std::vector(9, Endpoint{"10.0.0.1", 4524}), some_fingerprint));
}

TEST(JoinToken, LeavesOnlyADigestInTheStore) {
    EXPECT_EQ(secret_digest("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

}  // namespace
}  // namespace flocker::tls
