// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include <atomic>
#include <mutex>
#include <set>

#include "api/documents_json.hpp"
#include "api/testing.hpp"

namespace flocker::api {
namespace {

using namespace testing;
using ports::DigestMark;
using ports::DigestProgress;
using ports::DigestRange;
using ports::TreeDigest;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// A tree as its entries' names, each with its content; a mark after every second one.
using Content = std::vector<std::pair<std::string, std::string>>;

class FakeTree final : public ports::HeldTree {
public:
    FakeTree(Content content, std::optional<Error> trouble, std::atomic<int>& held)
        : content_(std::move(content)), trouble_(std::move(trouble)), held_(held) {
        ++held_;
    }
    ~FakeTree() override { --held_; }
    FakeTree(const FakeTree&) = delete;
    FakeTree& operator=(const FakeTree&) = delete;

    Result<TreeDigest> digest(std::optional<DigestRange> only, const ports::DigestListener& listener) override {
        std::string all;
        FLOCKER_CHECK_OK(listener(DigestProgress{1, Bytes{10}, content_.size(), Bytes{100}}));
        if (trouble_) return tl::unexpected(*trouble_);
        for (std::uint64_t i = 0; i < content_.size(); ++i) {
            const std::string own = content_[i].first + "=" + content_[i].second;
            all += own + ";";
            if (only && i >= only->first && i - only->first < only->count)
                FLOCKER_CHECK_OK(listener(DigestMark{i, content_[i].first, own}));
            if (!only && i % 2 == 1) FLOCKER_CHECK_OK(listener(DigestMark{i, content_[i].first, all}));
        }
        return TreeDigest{all, content_.size(), Bytes{100}};
    }

private:
    Content content_;
    std::optional<Error> trouble_;
    std::atomic<int>& held_;
};

/// db on alder with replicas on birch and cedar, all with e1-s5.
class VerifyTest : public ::testing::Test {
protected:
    VerifyTest() {
        for (const auto& node : {alder, birch, cedar}) cluster.add(node);
        auto db = database("db", 5432);
        db.volume->replicas = 2;
        cluster.ask("POST", "/v1/deploy", to_json(DeployRequest{deployment({{"alder", db}}), {}}));
        for (int i = 0; i < 4; ++i) report({e1s5}, {e1s5});
        for (const auto& node : {alder, birch, cedar}) content[node.name] = tree;
        cluster.digests = [this](const model::Node& node, const model::DatasetId& dataset,
                                 const model::SnapshotId& id) -> Result<std::unique_ptr<ports::HeldTree>> {
            EXPECT_EQ(dataset, orders);
            const std::lock_guard lock(mutex);
            asked.push_back(node.name + " " + to_text(id));
            if (away.contains(node.name)) return fail(ErrorCode::unavailable, node.name + " does not answer");
            if (gone.contains(id)) return fail(ErrorCode::not_found, "no snapshot " + to_text(id));
            const auto broken = trouble.find(node.name);
            return std::make_unique<FakeTree>(
                content[node.name], broken == trouble.end() ? std::nullopt : std::optional(broken->second), held);
        };
    }
    void report(const std::vector<model::SnapshotId>& owners, const std::vector<model::SnapshotId>& replicas) {
        const auto seen = [](model::DatasetSeen& dataset, const std::vector<model::SnapshotId>& snapshots) {
            dataset.snapshots.clear();
            for (const auto& id : snapshots) dataset.snapshots.push_back({id, {}});
        };
        cluster.report(alder, [&](model::NodeReport& report) { seen(report.datasets.at(0), owners); });
        for (const auto& node : {birch, cedar}) {
            cluster.report(node, [&](model::NodeReport& report) {
                model::DatasetSeen dataset;
                dataset.id = orders;
                dataset.epoch = model::Epoch{1};
                seen(dataset, replicas);
                report.datasets = {dataset};
            });
        }
    }
    /// What is answered, line by line; the progress apart.
    std::vector<VerifyLine> verify(const std::string& parameters = "") {
        const Reply reply = cluster.ask_as("user:ann", "GET", "/v1/volumes/db/verify" + parameters);
        if (!reply.body) {
            VerifyLine line;
            line.error = from_json<ErrorDocument>(reply.response.body).value().error;
            return {line};
        }
        std::string text;
        const Status status = reply.body([&](std::span<const std::byte> bytes) -> Status {
            text.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
            return {};
        });
        std::vector<VerifyLine> lines;
        for (std::size_t at = 0; at < text.size(); at = text.find('\n', at) + 1) {
            auto line = from_json<VerifyLine>(text.substr(at, text.find('\n', at) - at)).value();
            if (line.progress) {
                progress.push_back(*line.progress);
            } else {
                lines.push_back(std::move(line));
            }
        }
        if (!status) {
            lines.emplace_back();
            lines.back().error = status.error();
        }
        return lines;
    }

    const model::Node alder = node("alder", "10.0.0.1");
    const model::Node birch = node("birch", "10.0.0.2");
    const model::Node cedar = node("cedar", "10.0.0.3");
    const model::SnapshotId e1s5{model::Epoch{1}, 5};
    const model::SnapshotId e1s6{model::Epoch{1}, 6};
    const Content tree{{"/", ""}, {"a", "1"}, {"b", "2"}, {"c", "3"}, {"d", "4"}};
    TestControl cluster;
    std::mutex mutex;
    std::map<std::string, Content> content;
    std::map<std::string, Error> trouble;
    std::set<std::string> away;
    std::set<model::SnapshotId> gone;
    std::vector<std::string> asked;
    std::vector<VerifyProgress> progress;
    std::atomic<int> held{0};
};

TEST_F(VerifyTest, ProvesThatAllReplicasAreEqualToTheirOwner) {
    const auto lines = verify();
    ASSERT_EQ(lines.size(), 3U);
    ASSERT_TRUE(lines[0].begun);
    EXPECT_EQ(lines[0].begun->volume, "db");
    EXPECT_EQ(lines[0].begun->owner, "alder");
    EXPECT_EQ(lines[0].begun->snapshot, e1s5);
    EXPECT_THAT(lines[0].begun->replicas, ElementsAre("birch", "cedar"));
    for (std::size_t i = 1; i < 3; ++i) {
        ASSERT_TRUE(lines[i].verdict);
        EXPECT_EQ(lines[i].verdict->equal, true);
        EXPECT_EQ(lines[i].verdict->digest, lines[i].verdict->owner_digest);
        EXPECT_EQ(lines[i].verdict->entries, 5U);
    }
    ASSERT_GE(progress.size(), 3U);
    EXPECT_TRUE(progress.back().done);
    EXPECT_EQ(progress.back().entries_expected, 5U);
    EXPECT_THAT(asked, ElementsAre("alder e1-s5", "birch e1-s5", "cedar e1-s5"));
    EXPECT_EQ(held, 0) << "everything is let go";
}

TEST_F(VerifyTest, FindsAReplicaThatDiffersWithTheFirstPathAndRecordsIt) {
    content["birch"][3].second = "corrupt";
    const auto lines = verify("?replica=birch");
    ASSERT_EQ(lines.size(), 2U);
    EXPECT_EQ(lines[1].verdict->equal, false);
    EXPECT_EQ(lines[1].verdict->first_difference, "c");
    EXPECT_THAT(asked, ElementsAre("alder e1-s5", "birch e1-s5"));
    const std::string events = cluster.ask("GET", "/v1/events?latest=1").body;
    EXPECT_THAT(events, HasSubstr(R"("kind":"replica_differs","subject":"db")"));
    EXPECT_THAT(events, HasSubstr("the replica on birch differs from alder at e1-s5, first at c"));
}

TEST_F(VerifyTest, SaysOnWhichSideAPathIs) {
    const auto first = [&](const Content& replica) {
        content["birch"] = replica;
        return verify("?replica=birch").at(1).verdict->first_difference;
    };
    EXPECT_EQ(first({{"/", ""}, {"a", "1"}, {"b", "2"}, {"c", "3"}}), "d on alder");
    EXPECT_EQ(first({{"/", ""}, {"a", "1"}, {"b", "2"}, {"c", "3"}, {"d", "4"}, {"e", "5"}}), "e on birch");
    EXPECT_EQ(first({{"/", ""}, {"a", "1"}, {"c", "3"}, {"d", "4"}}), "b on alder, c on birch");
    EXPECT_EQ(first({{"/", "!"}, {"a", "1"}, {"b", "2"}, {"c", "3"}, {"d", "4"}}), "/");
    EXPECT_EQ(first({{"/", ""}}), "a on alder");
}

TEST_F(VerifyTest, ChoosesAnewWhenTheSnapshotHasGone) {
    gone = {e1s5};
    std::thread later([this] {
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
        report({e1s5, e1s6}, {e1s5, e1s6});
    });
    const auto lines = verify("?replica=cedar");
    later.join();
    ASSERT_EQ(lines.size(), 2U);
    EXPECT_EQ(lines[0].begun->snapshot, e1s6);
    EXPECT_EQ(lines[1].verdict->equal, true);
}

TEST_F(VerifyTest, ComparesTheOthersWhenOneReplicaCanNotBe) {
    away = {"birch"};
    trouble["cedar"] = {ErrorCode::unavailable, "cannot read base/1: Input/output error"};
    auto lines = verify();
    ASSERT_EQ(lines.size(), 3U);
    EXPECT_EQ(lines[1].verdict->reason, "cannot read base/1: Input/output error");
    EXPECT_FALSE(lines[1].verdict->equal);
    EXPECT_EQ(lines[2].verdict->reason, "birch does not answer");
    trouble.clear();
    lines = verify();
    EXPECT_EQ(lines.at(1).verdict->replica, "cedar");
    EXPECT_EQ(lines.at(1).verdict->equal, true);
}

TEST_F(VerifyTest, SaysWhyThereIsNoVerdictAtAll) {
    trouble["alder"] = {ErrorCode::unavailable, "cannot read base/1: Input/output error"};
    EXPECT_EQ(verify().at(1).error->message, "alder: cannot read base/1: Input/output error");
    away = {"alder"};
    EXPECT_EQ(verify().at(0).error->message, "alder does not answer");
    EXPECT_EQ(verify("?replica=alder").at(0).error->code, ErrorCode::invalid_argument);
    EXPECT_EQ(cluster.ask("GET", "/v1/volumes/none/verify").status, 404U);
}

TEST_F(VerifyTest, EndsWhenTheClientGoesAway) {
    const Reply reply = cluster.ask_as("user:ann", "GET", "/v1/volumes/db/verify");
    const Status status =
        reply.body([](std::span<const std::byte>) -> Status { return fail(ErrorCode::unavailable, "gone"); });
    EXPECT_FALSE(status);
    EXPECT_EQ(held, 0);
}

class RemoveAsideTest : public VerifyTest {};

TEST_F(RemoveAsideTest, TakesTheVolumeTheSnapshotAndTheNode) {
    cluster.report(birch, [&](model::NodeReport& report) {
        model::DatasetSeen dataset;
        dataset.id = orders;
        dataset.set_aside = {{e1s6, {}, Bytes{1000}}};
        report.datasets = {dataset};
    });
    EXPECT_EQ(cluster.ask("DELETE", "/v1/volumes/db/set-aside/nonsense").status, 400U);
    EXPECT_EQ(cluster.ask("DELETE", "/v1/volumes/none/set-aside/e1-s6").status, 404U);
    EXPECT_EQ(cluster.ask("DELETE", "/v1/volumes/db/set-aside/e1-s6?node=cedar").status, 404U);
    EXPECT_EQ(cluster.ask("DELETE", "/v1/volumes/db/set-aside/e1-s6?node=birch").status, 204U);
    EXPECT_EQ(cluster.ask("DELETE", "/v1/volumes/db/set-aside/e1-s6").status, 204U) << "the same again";
    EXPECT_THAT(cluster.ask("GET", "/v1/volumes/db").body, HasSubstr(R"("asides_to_go":["e1-s6"])"));
    EXPECT_THAT(cluster.ask("GET", "/v1/events?latest=1").body,
                HasSubstr("e1-s6, set aside on birch, is removed as asked"));
}

}  // namespace
}  // namespace flocker::api
