// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include "adapters/peer/digest_client.hpp"
#include "adapters/peer/digest_lines.hpp"
#include "adapters/peer/messages.hpp"
#include "adapters/peer/testing.hpp"

namespace flocker::peer {
namespace {

using namespace testing;
using ports::DigestMark;
using ports::DigestProgress;
using ports::DigestRange;
using ports::TreeDigest;
using ::testing::ElementsAre;

TEST(DigestLinesTest, ComeAsTheyWere) {
    const std::vector<DigestLine> lines{DigestProgress{1, Bytes{2}, 3, Bytes{UINT64_MAX}},
                                        DigestMark{256, "a \\x0a \"b\"", "9f"}, TreeDigest{"9f86", 4, Bytes{5}}};
    std::string text;
    for (const DigestLine& line : lines) text += encode(line);
    DigestLines reader;
    std::vector<DigestLine> got;
    for (const char letter : text) {
        ASSERT_TRUE(reader.take(bytes_of(std::string_view(&letter, 1)), [&](const DigestLine& line) -> Status {
            got.push_back(line);
            return {};
        }));
    }
    EXPECT_EQ(got, lines);
}

TEST(DigestLinesTest, AreRefusedWhenTheyAreNone) {
    for (const char* text : {"", "x", "[]", "{}", R"({"entries":-1})", R"({"path":"a","entry":1})", R"({"digest":1})"})
        EXPECT_EQ(decode_digest_line(text).error().code, ErrorCode::corrupt) << text;
    DigestLines reader;
    const auto nobody = [](const DigestLine&) -> Status { return {}; };
    EXPECT_FALSE(reader.take(bytes_of(std::string(20'000, 'x')), nobody)) << "without an end";
}

class Digests : public TwoPeers, public ::testing::Test {
protected:
    Result<std::unique_ptr<ports::HeldTree>> hold(const model::SnapshotId& id = first) {
        return hold_tree(cluster_.control().connector(birch_itself()), "127.0.0.1", listener_->port(), dataset, id);
    }
    /// Waits for a thread of the server, whose stream has ended.
    void until_let_go() {
        while (far_digests_.held > 0) std::this_thread::yield();
    }
    ports::DigestListener listener() {
        return [this](const std::variant<DigestProgress, DigestMark>& news) -> Status {
            if (const auto* mark = std::get_if<DigestMark>(&news)) marks_.push_back(*mark);
            if (const auto* progress = std::get_if<DigestProgress>(&news)) last_ = *progress;
            if (refuses_) return fail(ErrorCode::conflict, "enough");
            return {};
        };
    }
    std::vector<DigestMark> marks_;
    DigestProgress last_;
    bool refuses_{false};
};

TEST_F(Digests, AreMadeForTheControlServiceOfASnapshotThatIsHeld) {
    auto tree = value_of(hold());
    EXPECT_EQ(far_digests_.held, 1);
    EXPECT_EQ(value_of(tree->digest({}, listener())), (TreeDigest{"whole", 3, Bytes{30}}));
    EXPECT_EQ(last_, (DigestProgress{1, Bytes{10}, 3, Bytes{30}}));
    EXPECT_THAT(marks_, ElementsAre(DigestMark{0, "file 0", "all"}, DigestMark{1, "file 1", "all"},
                                    DigestMark{2, "file 2", "all"}));
    marks_.clear();
    EXPECT_TRUE(tree->digest(DigestRange{1, 1}, listener())) << "the same stream, the same tree";
    EXPECT_THAT(marks_, ElementsAre(DigestMark{1, "file 1", "own"}));
    tree.reset();
    until_let_go();
}

TEST_F(Digests, SayWhyTheyCanNotBeMade) {
    EXPECT_EQ(hold(second).error().code, ErrorCode::not_found);
    far_digests_.trouble = Error{ErrorCode::unavailable, "cannot read base/1: I/O error"};
    const auto tree = value_of(hold());
    EXPECT_EQ(tree->digest({}, listener()).error(), *far_digests_.trouble);
    far_digests_.trouble.reset();
    EXPECT_TRUE(tree->digest({}, listener())) << "the stream is of use still";
}

TEST_F(Digests, AreMadeOneAtATime) {
    auto tree = value_of(hold());
    EXPECT_EQ(hold().error().code, ErrorCode::unavailable);
    tree.reset();
    until_let_go();
    const auto next = hold();
    EXPECT_TRUE(next) << next.error();
    EXPECT_EQ(far_digests_.held, 1);
}

TEST_F(Digests, EndWhenNobodyListens) {
    far_digests_.goes_on = true;
    auto tree = value_of(hold());
    refuses_ = true;
    EXPECT_EQ(tree->digest({}, listener()).error().message, "enough");
    until_let_go();
    EXPECT_EQ(tree->digest({}, listener()).error().code, ErrorCode::unavailable);
}

TEST_F(Digests, EndWhenTheAgentStops) {
    far_digests_.goes_on = true;
    auto tree = value_of(hold());
    std::thread stopping;
    const auto outcome = tree->digest({}, [&](const auto&) -> Status {
        if (!stopping.joinable()) stopping = std::thread([this] { server_->stop(); });
        return {};
    });
    stopping.join();
    EXPECT_FALSE(outcome);
    EXPECT_EQ(far_digests_.held, 0);
}

TEST_F(Digests, AreMadeForNobodyElse) {
    for (const auto& who : {alder_tls_, cluster_.user("eve")}) {
        const auto tree = hold_tree(who.connector(birch_itself()), "127.0.0.1", listener_->port(), dataset, first);
        EXPECT_EQ(tree.error().code, ErrorCode::denied);
    }
    FrameStream frames(connect_as(cluster_.control()));
    frames.put_message(encode(Request{AskDigest{}}));
    ASSERT_TRUE(frames.flush());
    EXPECT_EQ(value_of(frames.read()).kind, FrameKind::end);
    EXPECT_EQ(decode_reply(value_of(frames.read_message()))->status.error().code, ErrorCode::conflict);
}

}  // namespace
}  // namespace flocker::peer
