// SPDX-License-Identifier: Apache-2.0
#include "adapters/posix/files.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "adapters/posix/assignment_file.hpp"
#include "adapters/posix/event_loop.hpp"

namespace flocker::posix {
namespace {

class Files : public ::testing::Test {
protected:
    Files() {
        char name[] = "/tmp/flkt-files-XXXXXX";
        folder_ = ::mkdtemp(name);
    }
    ~Files() override { std::filesystem::remove_all(folder_); }
    std::string path(const std::string& name) const { return folder_ + "/" + name; }

    std::string folder_;
};

TEST_F(Files, ReadBackWhatWasWritten) {
    const std::string text = std::string("bytes \0 \xFF", 9) + std::string(200'000, 'x');
    ASSERT_TRUE(write_file_atomically(path("a"), text, 0600).has_value());
    EXPECT_EQ(read_file(path("a"), text.size()), text);
    ASSERT_TRUE(write_file_atomically(path("a"), "", 0600).has_value());
    EXPECT_EQ(read_file(path("a"), 0), "");
}

TEST_F(Files, SayWhichFileIsNotThere) {
    const auto found = read_file(path("a"), 10);
    ASSERT_FALSE(found.has_value());
    EXPECT_EQ(found.error(), (Error{ErrorCode::not_found, "cannot read " + path("a") + ": no such file or directory"}));
}

TEST_F(Files, LongerThanTheLimitAreRefused) {
    ASSERT_TRUE(write_file_atomically(path("a"), "12345", 0600).has_value());
    EXPECT_EQ(read_file(path("a"), 5), "12345");
    EXPECT_EQ(read_file(path("a"), 4).error().code, ErrorCode::corrupt);
    EXPECT_EQ(read_file("/dev/zero", 1000).error().code, ErrorCode::corrupt);
}

TEST_F(Files, HaveExactlyTheModeThatWasAskedFor) {
    std::ofstream(path("a")) << "old and readable by all";
    ASSERT_TRUE(write_file_atomically(path("a"), "secret", 0600).has_value());
    struct stat seen {};
    ASSERT_EQ(::stat(path("a").c_str(), &seen), 0);
    EXPECT_EQ(seen.st_mode & 07777, 0600U);
    ASSERT_TRUE(write_file_atomically(path("b"), "public", 0666).has_value());
    ASSERT_EQ(::stat(path("b").c_str(), &seen), 0);
    EXPECT_EQ(seen.st_mode & 07777, 0666U) << "whatever the umask";
}

TEST_F(Files, HalfWrittenByACrashAreReplaced) {
    std::ofstream(path("a.new")) << "half";
    ASSERT_TRUE(write_file_atomically(path("a"), "whole", 0600).has_value());
    EXPECT_EQ(read_file(path("a"), 100), "whole");
    EXPECT_FALSE(std::filesystem::exists(path("a.new")));
}

TEST_F(Files, KeepTheOldTextWhenTheNewOneCannotBeWritten) {
    std::filesystem::create_directories(path("a/in the way"));
    const auto refused = write_file_atomically(path("a"), "text", 0600);
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code, ErrorCode::unavailable);
    EXPECT_TRUE(std::filesystem::exists(path("a/in the way")));
    EXPECT_FALSE(std::filesystem::exists(path("a.new")));
    EXPECT_EQ(write_file_atomically(path("no/such/folder"), "text", 0600).error().code, ErrorCode::unavailable);
}

class AssignmentFile : public Files {
protected:
    template <class T>
    Result<T> outcome_of(const std::function<void(Done<T>)>& call) {
        std::optional<Result<T>> outcome;
        EventLoop loop;
        loop_ = &loop;
        FileAssignmentCache cache(path("assignment.json"), loop);
        cache_ = &cache;
        call([&](Result<T> ended) {
            outcome = std::move(ended);
            loop.stop();
        });
        loop.run();
        return *outcome;
    }
    Result<std::optional<model::Assignment>> load() {
        return outcome_of<std::optional<model::Assignment>>([this](auto done) { cache_->load(done); });
    }
    static model::Assignment assignment(std::uint64_t revision) {
        model::Assignment value;
        value.node = model::NodeId{"n1"};
        value.revision = model::Revision{revision};
        value.applications.emplace_back().application.environment["PASSWORD"] = "secret";
        return value;
    }

    EventLoop* loop_{nullptr};
    FileAssignmentCache* cache_{nullptr};
};

TEST_F(AssignmentFile, IsNothingOnANewNode) {
    const auto loaded = load();
    ASSERT_TRUE(loaded.has_value()) << loaded.error();
    EXPECT_FALSE(loaded->has_value());
}

TEST_F(AssignmentFile, GivesBackTheLastSavedToTheNextProcess) {
    ASSERT_TRUE(outcome_of<void>([this](auto done) {
        // All under way at once, on threads of their own: the last one must stay.
        for (std::uint64_t revision = 1; revision <= 20; ++revision) {
            cache_->save(assignment(revision), revision < 20 ? [](Result<void>) {} : done);
        }
    }));
    const auto loaded = load();
    ASSERT_TRUE(loaded.has_value()) << loaded.error();
    EXPECT_TRUE(*loaded == assignment(20));
}

TEST_F(AssignmentFile, IsReadableByItsOwnerAlone) {
    ASSERT_TRUE(outcome_of<void>([this](auto done) { cache_->save(assignment(1), done); }));
    struct stat seen {};
    ASSERT_EQ(::stat(path("assignment.json").c_str(), &seen), 0);
    EXPECT_EQ(seen.st_mode & 07777, 0600U);
}

TEST_F(AssignmentFile, SaysWhatToDoWhenItIsDamaged) {
    std::ofstream(path("assignment.json")) << R"({"node":"n1","revi)";
    const auto loaded = load();
    ASSERT_FALSE(loaded.has_value());
    EXPECT_EQ(loaded.error().code, ErrorCode::corrupt);
    EXPECT_NE(loaded.error().message.find("remove it"), std::string::npos) << loaded.error();
}

TEST_F(AssignmentFile, SaysThatItCouldNotBeSaved) {
    std::filesystem::create_directories(path("assignment.json/in the way"));
    const auto saved = outcome_of<void>([this](auto done) { cache_->save(assignment(1), done); });
    ASSERT_FALSE(saved.has_value());
    EXPECT_EQ(saved.error().code, ErrorCode::unavailable);
}

}  // namespace
}  // namespace flocker::posix
