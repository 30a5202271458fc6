// SPDX-License-Identifier: Apache-2.0
#include "adapters/sqlite/token_store.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <thread>

namespace flocker::sqlite {
namespace {

constexpr Instant noon{1'790'000'000'000'000'000};

class Tokens : public ::testing::Test {
protected:
    Tokens() {
        char name[] = "/tmp/flkt-tokens-XXXXXX";
        folder_ = ::mkdtemp(name);
        open();
    }
    ~Tokens() override {
        store_.reset();
        std::filesystem::remove_all(folder_);
    }
    void open() {
        store_.reset();
        auto opened = SqliteTokenStore::open(folder_ + "/tokens.db");
        ASSERT_TRUE(opened.has_value()) << opened.error();
        store_ = *std::move(opened);
    }
    static JoinToken token(const std::string& id, char digit = 'a') {
        return {id, std::string(64, digit), noon, noon + 1min * 10, {{"disk", "ssd \"fast\""}}, {}, {}};
    }
    std::string denial(std::string_view id, char digit, Instant now) {
        const auto outcome = store_->redeem(id, std::string(64, digit), "n1", now);
        if (outcome) return "let in";
        EXPECT_EQ(outcome.error().code, ErrorCode::denied);
        return outcome.error().message;
    }

    std::string folder_;
    std::unique_ptr<SqliteTokenStore> store_;
};

TEST_F(Tokens, AreListedWithoutTheirSecret) {
    ASSERT_TRUE(store_->create(token("t2")).has_value());
    auto older = token("t1");
    older.created = noon - 1min;
    ASSERT_TRUE(store_->create(older).has_value());

    open();

    const auto listed = store_->list();
    ASSERT_TRUE(listed.has_value()) << listed.error();
    auto wanted = std::vector{older, token("t2")};
    for (auto& each : wanted) each.secret_sha256.clear();
    EXPECT_EQ(*listed, wanted);
}

TEST_F(Tokens, LetInOneNodeOnce) {
    ASSERT_TRUE(store_->create(token("t1")).has_value());
    const auto redeemed = store_->redeem("t1", std::string(64, 'a'), "n1", noon + 1s);
    ASSERT_TRUE(redeemed.has_value()) << redeemed.error();
    EXPECT_EQ(redeemed->labels, token("t1").labels);
    EXPECT_EQ(redeemed->used, noon + 1s);
    EXPECT_EQ(redeemed->used_by, "n1");

    open();

    EXPECT_EQ(denial("t1", 'a', noon + 2s), "join token t1 has been used already: make a new one");
    EXPECT_EQ(store_->list()->at(0).used_by, "n1");
}

TEST_F(Tokens, LetInOneOfManyAtOnce) {
    ASSERT_TRUE(store_->create(token("t1")).has_value());
    std::atomic<int> let_in{0};
    std::vector<std::thread> nodes;
    for (int node = 0; node < 8; ++node) {
        nodes.emplace_back([&, node] {
            if (store_->redeem("t1", std::string(64, 'a'), std::to_string(node), noon)) ++let_in;
        });
    }
    for (auto& node : nodes) node.join();
    EXPECT_EQ(let_in, 1);
}

TEST_F(Tokens, LetNobodyInWithoutTheSecretOrAfterTheirTime) {
    ASSERT_TRUE(store_->create(token("t1")).has_value());
    EXPECT_EQ(denial("t1", 'b', noon), "join token t1 is not known: make a new one");
    EXPECT_EQ(denial("t9", 'a', noon), "join token t9 is not known: make a new one");
    EXPECT_EQ(denial("t1", 'a', noon + 1min * 10), "join token t1 has expired: make a new one");
    EXPECT_EQ(denial("t1", 'a', noon + 1min * 10 - 1ms), "let in");
}

TEST_F(Tokens, ThatAreRevokedLetNobodyIn) {
    ASSERT_TRUE(store_->create(token("t1")).has_value());
    ASSERT_TRUE(store_->revoke("t1").has_value());
    EXPECT_EQ(denial("t1", 'a', noon), "join token t1 is not known: make a new one");
    EXPECT_EQ(store_->revoke("t1").error().code, ErrorCode::not_found);
}

TEST_F(Tokens, NeedAnIdOfTheirOwnAndADigest) {
    ASSERT_TRUE(store_->create(token("t1")).has_value());
    EXPECT_EQ(store_->create(token("t1", 'b')).error().code, ErrorCode::already_exists);
    EXPECT_EQ(denial("t1", 'a', noon), "let in") << "the first one stays";
    EXPECT_EQ(store_->create(token("")).error().code, ErrorCode::invalid_argument);
    EXPECT_EQ(store_->create(token("t2", 'Z')).error().code, ErrorCode::invalid_argument);
}

TEST_F(Tokens, AreForgottenAMonthAfterTheyExpired) {
    ASSERT_TRUE(store_->create(token("t1")).has_value());
    auto later = token("t2");
    later.created = noon + std::chrono::hours(31 * 24);
    ASSERT_TRUE(store_->create(later).has_value());
    ASSERT_EQ(store_->list()->size(), 1U);
    EXPECT_EQ(store_->list()->at(0).id, "t2");
}

}  // namespace
}  // namespace flocker::sqlite
