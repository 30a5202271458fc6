// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <thread>

#include "adapters/sqlite/state_store.hpp"
#include "adapters/sqlite/token_store.hpp"
#include "base/check.hpp"
#include "tests/contract/state_store_contract.hpp"

namespace flocker::contract {
namespace {

using sqlite::SqliteStateStore;

/// Runs what is posted while somebody waits for something.
class WaitingLoop final : public ports::Loop {
public:
    Instant now() const override { return {}; }
    void post(std::function<void()> work) override {
        const std::lock_guard lock(mutex_);
        work_.push_back(std::move(work));
        wake_.notify_one();
    }
    void after(Duration, std::function<void()>) override { FLOCKER_CHECK(false); }
    void run_until(const std::function<bool()>& met) {
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
        while (!met()) {
            std::unique_lock lock(mutex_);
            FLOCKER_CHECK(wake_.wait_until(lock, deadline, [this] { return !work_.empty(); }));
            auto work = std::move(work_.front());
            work_.pop_front();
            lock.unlock();
            work();
        }
    }

private:
    std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<std::function<void()>> work_;
};

/// The first one also removes what a run that crashed has left.
std::string fresh_folder() {
    static int count = 0;
    const std::string all = "/var/tmp/flkt-state";
    if (count == 0) std::filesystem::remove_all(all);
    const std::string folder = all + "/" + std::to_string(++count);
    std::filesystem::create_directories(folder);
    return folder;
}

class SqliteHarness final : public StateStoreHarness {
public:
    explicit SqliteHarness(std::string folder = "") : folder_(std::move(folder)) {
        if (folder_.empty()) {
            folder_ = fresh_folder();
            owned_ = folder_;
        }
        open();
    }
    ~SqliteHarness() override {
        store_.reset();
        if (owned_.empty()) return;
        std::filesystem::remove_all(owned_);
        std::error_code not_the_last;
        std::filesystem::remove(std::filesystem::path(owned_).parent_path(), not_the_last);
    }
    ports::StateStore& store() override { return *store_; }
    void reopen() override {
        close();
        open();
    }
    void run_until(std::function<bool()> met) override { loop_.run_until(met); }

    void close() { store_.reset(); }
    void open() {
        auto opened = SqliteStateStore::open(path(), loop_);
        ASSERT_TRUE(opened.has_value()) << opened.error();
        store_ = *std::move(opened);
    }
    /// What open() says against the file.
    Error refusal() {
        close();
        auto opened = SqliteStateStore::open(path(), loop_);
        return opened ? Error{ErrorCode::internal, "it was opened"} : opened.error();
    }
    std::string path() const { return folder_ + "/state.db"; }

private:
    std::string folder_;
    std::string owned_;
    WaitingLoop loop_;
    std::unique_ptr<SqliteStateStore> store_;
};

INSTANTIATE_TEST_SUITE_P(Sqlite, StateStoreContract,
                         ::testing::Values(StateStoreMaker{"sqlite", [] { return std::make_unique<SqliteHarness>(); }}),
                         [](const auto& parameter) { return parameter.param.name; });

TEST(SqliteState, KeepsTheNewestTenThousandEvents) {
    SqliteHarness harness;
    std::vector<model::Change> changes;
    for (int i = 1; i <= 10'050; ++i) changes.emplace_back(model::AddEvent{event(std::to_string(i))});
    ASSERT_TRUE(commit(harness, 0, changes).has_value());
    const auto kept = *events(harness, 0, 20'000);
    ASSERT_EQ(kept.size(), SqliteStateStore::events_kept);
    EXPECT_EQ(kept.front().text, "51");
    EXPECT_EQ(kept.front().number, 51U);
}

TEST(SqliteState, WritesNothingOfACommitWithAPartThatCouldNotBeReadBack) {
    SqliteHarness harness;
    auto bad = node("birch");
    bad.data_port = 0;
    const auto refused =
        commit(harness, 0, {model::PutNode{node("alder")}, model::AddEvent{event("x")}, model::PutNode{bad}});
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error(), (Error{ErrorCode::invalid_argument,
                                      "cannot keep node birch: data_port: must be an integer from 1 to 65535"}));
    harness.reopen();
    EXPECT_TRUE(*load(harness) == model::Records{});
    EXPECT_TRUE(events(harness, 0, 10)->empty());
}

TEST(SqliteState, KeepsTextOfAnyBytesReadable) {
    SqliteHarness harness;
    auto odd = ownership("d1", 0);
    odd.moves.emplace_back().reason = "docker said \xFF\xFE";
    ASSERT_TRUE(commit(harness, 0, {model::PutOwnership{odd}}).has_value());
    harness.reopen();
    const auto records = load(harness);
    ASSERT_TRUE(records.has_value()) << records.error();
    EXPECT_EQ(records->ownerships.begin()->second.moves.back().reason, "docker said \xEF\xBF\xBD\xEF\xBF\xBD");
}

TEST(SqliteState, IsReadableByItsOwnerAlone) {
    const auto umask_before = ::umask(0);
    SqliteHarness harness;
    ASSERT_TRUE(commit(harness, 0, {model::PutNode{node("alder")}}).has_value());
    for (const char* suffix : {"", "-wal", "-shm", ".lock"}) {
        struct stat seen {};
        ASSERT_EQ(::stat((harness.path() + suffix).c_str(), &seen), 0) << suffix;
        EXPECT_EQ(seen.st_mode & 0777, 0600U) << suffix;
    }
    ::umask(umask_before);
}

TEST(SqliteState, BelongsToOneProcessAtATime) {
    SqliteHarness harness;
    WaitingLoop loop;
    const auto second = SqliteStateStore::open(harness.path(), loop);
    ASSERT_FALSE(second.has_value());
    EXPECT_EQ(second.error(),
              (Error{ErrorCode::unavailable, "state store " + harness.path() + ": another process has it open"}));
}

TEST(SqliteState, SaysWhereItCouldNotBeMade) {
    WaitingLoop loop;
    const auto opened = SqliteStateStore::open("/var/tmp/flkt-no-such-folder/state.db", loop);
    ASSERT_FALSE(opened.has_value());
    EXPECT_EQ(opened.error().code, ErrorCode::unavailable);
}

// --- killed ---------------------------------------------------------------------------------

/// Commits two nodes at a time for ever, and writes a byte for each commit whose `done` saw success.
[[noreturn]] void commit_until_killed(const std::string& path, int told) {
    WaitingLoop loop;
    auto opened = SqliteStateStore::open(path, loop);
    if (!opened) std::_Exit(1);
    auto& store = **opened;
    for (std::uint64_t revision = 0;; ++revision) {
        std::optional<Result<model::Revision>> outcome;
        const std::string number = std::to_string(revision);
        store.commit(model::Revision{revision},
                     {model::PutNode{node("left" + number)}, model::PutNode{node("right" + number)}},
                     [&](auto ended) { outcome = std::move(ended); });
        loop.run_until([&] { return outcome.has_value(); });
        if (!*outcome || ::write(told, "x", 1) != 1) std::_Exit(2);
    }
}

TEST(SqliteState, HasWholeCommitsAndAllThatWereToldAfterTheProcessIsKilled) {
    constexpr int rounds = 12;
    for (int round = 0; round < rounds; ++round) {
        SqliteHarness harness;
        harness.close();
        int ends[2];
        ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
        const pid_t child = ::fork();
        ASSERT_GE(child, 0);
        if (child == 0) commit_until_killed(harness.path(), ends[1]);
        ::close(ends[1]);
        std::uint64_t told = 0;
        char byte = 0;
        const auto begun = std::chrono::steady_clock::now();
        while (told < 20 && ::read(ends[0], &byte, 1) == 1) ++told;
        // Each round a little later in the life of a commit.
        std::this_thread::sleep_for((std::chrono::steady_clock::now() - begun) / 20 * round / rounds);
        ASSERT_EQ(::kill(child, SIGKILL), 0);
        while (::read(ends[0], &byte, 1) == 1) ++told;
        ::close(ends[0]);
        int status = 0;
        ASSERT_EQ(::waitpid(child, &status, 0), child);
        ASSERT_TRUE(WIFSIGNALED(status)) << "the child ended by itself: " << status;

        harness.open();
        const auto records = load(harness);
        ASSERT_TRUE(records.has_value()) << records.error();
        EXPECT_GE(records->revision.value, told);
        EXPECT_EQ(records->nodes.size(), 2 * records->revision.value);
    }
}

// --- full -----------------------------------------------------------------------------------

/// A file system of two megabytes.
class SmallDisk {
public:
    SmallDisk() {
        remove();
        std::filesystem::create_directory(folder);
        mounted_ = ::mount("flkt", folder, "tmpfs", 0, "size=2m") == 0;
    }
    ~SmallDisk() { remove(); }
    bool mounted() const { return mounted_; }
    /// Takes all the room but about `left` bytes.
    void fill(std::uintmax_t left) {
        std::ofstream file(filler());
        const auto room = std::filesystem::space(folder).available;
        file << std::string(room > left ? room - left : 0, 'x');
    }
    void make_room() { std::filesystem::remove(filler()); }

    static constexpr const char* folder = "/var/tmp/flkt-small-disk";

private:
    static std::string filler() { return std::string(folder) + "/filler"; }
    static void remove() {
        while (::umount2(folder, MNT_DETACH) == 0) {
        }
        std::filesystem::remove_all(folder);
    }
    bool mounted_{false};
};

TEST(SqliteState, IsAsItWasWhenTheDiskIsFullAndGoesOnWhenThereIsRoom) {
    SmallDisk disk;
    if (!disk.mounted()) GTEST_SKIP() << "needs root to mount a small disk";
    SqliteHarness harness(disk.folder);
    ASSERT_TRUE(commit(harness, 0, {model::PutNode{node("alder")}}).has_value());
    const auto before = *load(harness);
    auto large = ownership("d1", 3);
    large.moves.emplace_back().reason = std::string(300'000, 'x');

    disk.fill(100'000);
    const auto refused =
        commit(harness, 1, {model::PutNode{node("birch")}, model::PutOwnership{large}, model::AddEvent{event("x")}});
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error(),
              (Error{ErrorCode::unavailable, "state store " + harness.path() + ": its disk is full, make room on it"}));
    EXPECT_TRUE(*load(harness) == before);

    disk.make_room();
    EXPECT_EQ(*commit(harness, 1, {model::PutOwnership{large}}), model::Revision{2});
    harness.reopen();
    EXPECT_TRUE(load(harness)->ownerships.begin()->second == large);
    EXPECT_TRUE(events(harness, 0, 10)->empty());
}

TEST(SqliteState, LosesNothingWhenItRunsIntoAFullDiskAndIsOpenedAgain) {
    SmallDisk disk;
    if (!disk.mounted()) GTEST_SKIP() << "needs root to mount a small disk";
    SqliteHarness harness(disk.folder);
    disk.fill(200'000);
    model::Records expected;
    while (true) {
        const model::Change change = model::PutNode{node("n" + std::to_string(expected.revision.value))};
        const auto revision = commit(harness, expected.revision.value, {change});
        if (!revision) {
            EXPECT_EQ(revision.error().code, ErrorCode::unavailable) << revision.error();
            break;
        }
        model::apply(change, expected);
        expected.revision = *revision;
    }
    EXPECT_GT(expected.nodes.size(), 5U);
    EXPECT_TRUE(*load(harness) == expected);
    harness.close();
    disk.make_room();
    harness.open();
    EXPECT_TRUE(*load(harness) == expected);
}

TEST(SqliteState, SaysThatTheDiskIsFullAlsoWhenItIsOpened) {
    SmallDisk disk;
    if (!disk.mounted()) GTEST_SKIP() << "needs root to mount a small disk";
    SqliteHarness harness(disk.folder);
    ASSERT_TRUE(commit(harness, 0, {model::PutNode{node("alder")}}).has_value());
    harness.close();
    disk.fill(0);
    EXPECT_EQ(harness.refusal(),
              (Error{ErrorCode::unavailable, "state store " + harness.path() + ": its disk is full, make room on it"}));
    disk.make_room();
    harness.open();
    EXPECT_EQ(load(harness)->nodes.size(), 1U);
}

TEST(SqliteState, IsNotOpenedWhileItIsHeldToBeReplaced) {
    SqliteHarness harness;
    EXPECT_EQ(sqlite::hold_file_of_records(harness.path()).error().code, ErrorCode::unavailable);
    harness.close();
    const auto held = sqlite::hold_file_of_records(harness.path());
    ASSERT_TRUE(held.has_value()) << held.error();
    EXPECT_EQ(harness.refusal().code, ErrorCode::unavailable);
}

// --- damaged --------------------------------------------------------------------------------

class DamagedSqliteState : public ::testing::Test {
protected:
    DamagedSqliteState() {
        std::vector<model::Change> changes;
        for (int i = 0; i < 200; ++i) changes.emplace_back(model::PutNode{node("n" + std::to_string(i))});
        EXPECT_TRUE(commit(harness_, 0, changes).has_value());
        harness_.close();
        size_ = std::filesystem::file_size(harness_.path());
        EXPECT_FALSE(std::filesystem::exists(harness_.path() + "-wal"));
    }
    void overwrite(std::uintmax_t at, const std::string& bytes) {
        std::fstream file(harness_.path(), std::ios::in | std::ios::out | std::ios::binary);
        file.seekp(static_cast<std::streamoff>(at));
        file << bytes;
    }

    SqliteHarness harness_;
    std::uintmax_t size_{0};
};

TEST_F(DamagedSqliteState, IsRefusedWhereverTheFileWasCut) {
    for (const std::uintmax_t size : {size_ - 1, size_ - 4096, size_ / 2, std::uintmax_t{4096}, std::uintmax_t{1000},
                                      std::uintmax_t{100}, std::uintmax_t{10}, std::uintmax_t{0}}) {
        std::filesystem::resize_file(harness_.path(), size);
        const auto refusal = harness_.refusal();
        EXPECT_EQ(refusal.code, ErrorCode::corrupt) << size << " of " << size_ << ": " << refusal;
        EXPECT_NE(refusal.message.find("state store " + harness_.path() + " is damaged"), std::string::npos) << refusal;
        EXPECT_NE(refusal.message.find("flocker restore FILE"), std::string::npos) << refusal;
        EXPECT_NE(refusal.message.find("flocker control takeover"), std::string::npos) << refusal;
        EXPECT_EQ(std::filesystem::file_size(harness_.path()), size) << "it is left as it is";
    }
}

TEST_F(DamagedSqliteState, IsRefusedWhenAPageIsOverwritten) {
    overwrite(size_ / 2 / 4096 * 4096, std::string(4096, '\xFF'));
    EXPECT_EQ(harness_.refusal().code, ErrorCode::corrupt);
}

TEST_F(DamagedSqliteState, IsToldWhenADocumentMakesNoSense) {
    std::ifstream file(harness_.path(), std::ios::binary);
    const std::string bytes((std::istreambuf_iterator<char>(file)), {});
    overwrite(bytes.find(R"("data_port":4525)"), R"("data_port":x525)");
    harness_.open();
    const auto loaded = load(harness_);
    ASSERT_FALSE(loaded.has_value());
    EXPECT_EQ(loaded.error().code, ErrorCode::corrupt);
    EXPECT_NE(loaded.error().message.find("is damaged (node id-n"), std::string::npos) << loaded.error();
}

TEST_F(DamagedSqliteState, IsToldWithWhatToDoWhenItIsDamagedWhileItIsOpen) {
    harness_.open();
    ASSERT_TRUE(load(harness_).has_value());
    std::filesystem::resize_file(harness_.path(), 4096);
    Result<model::Revision> outcome = model::Revision{1};
    for (int i = 0; i < 10 && outcome; ++i) {
        outcome = commit(harness_, outcome->value, {model::PutNode{node("m" + std::to_string(i))}});
    }
    const auto loaded = load(harness_);
    ASSERT_FALSE(loaded.has_value());
    EXPECT_EQ(loaded.error().code, ErrorCode::corrupt);
    EXPECT_NE(loaded.error().message.find("flocker restore FILE"), std::string::npos) << loaded.error();
}

TEST_F(DamagedSqliteState, IsNotMadeAnewBesideALogThatWasLeft) {
    std::ofstream(harness_.path() + "-wal") << "what is left";
    std::filesystem::remove(harness_.path());
    EXPECT_EQ(harness_.refusal().code, ErrorCode::corrupt);
    EXPECT_FALSE(std::filesystem::exists(harness_.path()));
}

TEST_F(DamagedSqliteState, OfANewerFlockerIsRefusedWithTheVersionItNeeds) {
    overwrite(60, std::string("\0\0\0\2", 4));  // user_version
    EXPECT_EQ(harness_.refusal(),
              (Error{ErrorCode::invalid_argument, "state store " + harness_.path() +
                                                      " was written by a newer Flocker (format 2, this one "
                                                      "knows 1): run that version or a later one"}));
}

TEST_F(DamagedSqliteState, IsNotTakenForAnotherKindOfStore) {
    const auto tokens = sqlite::SqliteTokenStore::open(harness_.path());
    ASSERT_FALSE(tokens.has_value());
    EXPECT_EQ(tokens.error(),
              (Error{ErrorCode::corrupt,
                     harness_.path() + " is a database, but no token store of Flocker: name another file"}));
}

TEST_F(DamagedSqliteState, IsMadeWholeWhenTheProcessDiedWhileItWasMade) {
    std::filesystem::rename(harness_.path(), harness_.path() + ".new");
    std::filesystem::resize_file(harness_.path() + ".new", 4096);
    harness_.open();
    EXPECT_TRUE(*load(harness_) == model::Records{});
}

}  // namespace
}  // namespace flocker::contract
