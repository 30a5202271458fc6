// SPDX-License-Identifier: Apache-2.0
#include "setup/renewal.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <mutex>
#include <vector>

#include "adapters/posix/files.hpp"
#include "adapters/tls/private_file.hpp"
#include "adapters/tls/testing.hpp"

namespace flocker::setup {
namespace {

using ::testing::HasSubstr;
using tls::testing::alder;
using tls::testing::value_of;
using tls::testing::wall_clock_now;

/// The identity of a node, in files, with a certificate that lives for ten seconds.
class Renewals : public ::testing::Test {
protected:
    static constexpr Duration life = 10s;

    void SetUp() override {
        std::string pattern = (std::filesystem::temp_directory_path() / "flkt-renewal-XXXXXX").string();
        ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
        files_.path = pattern;
        credentials_ = cluster_.credentials(terms(life), now_);
        ASSERT_TRUE(posix::write_file_atomically(files_.authority(), credentials_.authority, 0644));
        ASSERT_TRUE(posix::write_file_atomically(files_.certificate("node"), credentials_.certificate, 0644));
        ASSERT_TRUE(tls::write_private(files_.key("node"), credentials_.key));
    }
    void TearDown() override { std::filesystem::remove_all(files_.path); }

    static tls::Terms terms(Duration lifetime, const std::string& node = alder) {
        tls::Terms terms = tls::terms_for_node(node, "127.0.0.1");
        terms.lifetime = lifetime;
        return terms;
    }
    Certify signs(const tls::Terms& terms, const tls::testing::TestCluster& cluster) {
        return [this, terms, &cluster](const std::string& request) {
            ++asked_;
            return tls::sign(cluster.authority(), request, terms, wall_clock_now());
        };
    }
    [[nodiscard]] std::string certificate() const {
        return posix::read_file(files_.certificate("node"), 1U << 20U).value();
    }

    tls::testing::TestCluster cluster_;
    ConfigFolder files_;
    tls::Credentials credentials_;
    Instant now_{wall_clock_now()};
    int asked_{0};
};

TEST_F(Renewals, AreDueInTheLastThirdOfALife) {
    const auto facts = value_of(tls::read_certificate(certificate()));
    const Duration whole = facts.valid_until - facts.valid_from;
    EXPECT_EQ(renewal_due(facts), facts.valid_until - whole / 3);
    const Renewable identity{files_, "node"};
    const Instant due = renewal_due(facts);
    EXPECT_EQ(renew_if_due(identity, signs(terms(60s), cluster_), due - 1s).value().due, due);
    EXPECT_EQ(asked_, 0);
    EXPECT_EQ(certificate(), credentials_.certificate);
    const auto renewed = renew_if_due(identity, signs(terms(60s), cluster_), due).value();
    EXPECT_TRUE(renewed.renewed);
    EXPECT_GT(renewed.due, due);
    EXPECT_EQ(asked_, 1);
}

TEST_F(Renewals, KeepTheKeyAndTheName) {
    const Instant end = now_ + life;
    ASSERT_TRUE(renew_if_due({files_, "node"}, signs(terms(3600s), cluster_), end));
    EXPECT_NE(certificate(), credentials_.certificate);
    EXPECT_EQ(value_of(tls::read_certificate(certificate())).common_name, "node:" + alder);
    EXPECT_EQ(posix::read_file(files_.key("node"), 1U << 20U).value(), credentials_.key);
    struct stat seen {};
    ASSERT_EQ(::stat(files_.key("node").c_str(), &seen), 0);
    EXPECT_EQ(seen.st_mode & 07777U, 0600U);
}

TEST_F(Renewals, TakeNothingThatIsWorseThanWhatIsThere) {
    const tls::testing::TestCluster foreign("foreign");
    const std::string other = "22222222-2222-4222-8222-222222222222";
    const auto refused = [&](const Certify& certify) {
        const auto outcome = renew_if_due({files_, "node"}, certify, now_ + life);
        EXPECT_FALSE(outcome);
        EXPECT_EQ(certificate(), credentials_.certificate);
    };
    refused(signs(terms(3600s, other), cluster_));
    refused(signs(terms(1s), cluster_));
    refused([](const std::string&) -> Result<std::string> { return "nonsense"; });
    refused([](const std::string&) -> Result<std::string> { return fail(ErrorCode::unavailable, "away"); });
    refused([&](const std::string&) -> Result<std::string> { return cluster_.credentials(terms(3600s)).certificate; });
    refused(signs(terms(3600s), foreign));
}

TEST_F(Renewals, ComeInTimeAndAreShownToWhomeverOneMeets) {
    credentials_ = cluster_.credentials(terms(2s), now_ - 10s);
    ASSERT_TRUE(posix::write_file_atomically(files_.certificate("node"), credentials_.certificate, 0644));
    const tls::TlsContext context = value_of(tls::TlsContext::make(credentials_));
    const auto listener = value_of(context.listen("127.0.0.1", 0, tls::ClientCertificates::required));
    const auto meet = [&] {
        auto accepted = std::async(std::launch::async, [&] {
            auto stream = listener->accept();
            return stream ? (*stream)->peer() : stream.error().message;
        });
        const auto stream = cluster_.node(tls::testing::birch)
                                .connect("127.0.0.1", listener->port(), 5s, tls::peer_is("node:" + alder));
        static_cast<void>(accepted.get());
        return stream ? Status{} : Status(tl::unexpected(stream.error()));
    };
    const Status before = meet();
    ASSERT_FALSE(before);
    EXPECT_THAT(before.error().message, HasSubstr("expired"));

    std::promise<std::string> told;
    const Renewal renewal({files_, "node", context}, signs(terms(3600s), cluster_), wall_clock_now,
                          [&](const std::string& text) { told.set_value(text); });
    auto news = told.get_future();
    ASSERT_EQ(news.wait_for(std::chrono::seconds(20)), std::future_status::ready);
    EXPECT_THAT(news.get(), HasSubstr("was renewed"));
    const Status after = meet();
    EXPECT_TRUE(after) << after.error();
}

TEST_F(Renewals, AreTriedAgainAndTheReasonIsSaidOnce) {
    std::mutex mutex;
    std::vector<std::string> said;
    std::atomic<int> asked{0};
    std::promise<void> done;
    {
        const Renewal renewal(
            {files_, "node"},
            [&](const std::string&) -> Result<std::string> {
                if (++asked == 3) done.set_value();
                return fail(ErrorCode::unavailable, "the control service is away");
            },
            [this] { return now_ + life; },
            [&](const std::string& text) {
                const std::lock_guard lock(mutex);
                said.push_back(text);
            },
            20ms);
        ASSERT_EQ(done.get_future().wait_for(std::chrono::seconds(20)), std::future_status::ready);
    }
    ASSERT_EQ(said.size(), 1U);
    EXPECT_THAT(said.front(), HasSubstr("can't be renewed: the control service is away"));
}

}  // namespace
}  // namespace flocker::setup
