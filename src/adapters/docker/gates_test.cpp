// SPDX-License-Identifier: Apache-2.0
#include "adapters/docker/gates.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "adapters/posix/files.hpp"

namespace flocker::docker {
namespace {

namespace fs = std::filesystem;

const model::ApplicationName db("db");

class GatesTest : public ::testing::Test {
protected:
    GatesTest() {
        fs::remove_all(root_);
        fs::create_directories(root_);
        std::ofstream(program_) << "one";
    }
    ~GatesTest() override { fs::remove_all(root_); }

    static mode_t mode_of(const std::string& path) {
        struct stat seen {};
        EXPECT_EQ(::lstat(path.c_str(), &seen), 0) << path;
        return seen.st_mode;
    }
    static std::string text_of(const std::string& path) { return posix::read_file(path, 100).value(); }

    const std::string root_{::testing::TempDir() + "flkt-gates-" + std::to_string(::getpid())};
    const std::string program_{root_ + "/installed"};
    const std::string folder_{root_ + "/state/gate"};
};

TEST_F(GatesTest, AreOpenToReadersOfAnyUserAndToNoWriterWhateverTheUmask) {
    const mode_t before = ::umask(0077);
    const auto folder = Gates(folder_, program_).prepare(db);
    ::umask(before);

    ASSERT_TRUE(folder) << folder.error();
    EXPECT_EQ(*folder, folder_ + "/db");
    EXPECT_EQ(mode_of(*folder), S_IFDIR | 0755U);
    EXPECT_EQ(mode_of(*folder + "/gate"), S_IFREG | 0755U);
    EXPECT_EQ(mode_of(*folder + "/release"), S_IFIFO | 0444U);
    EXPECT_EQ(text_of(*folder + "/gate"), "one");
}

TEST_F(GatesTest, FollowTheInstalledProgramFromTheNextAgentOn) {
    Gates first(folder_, program_);
    const std::string folder = first.prepare(db).value();
    std::ofstream(program_) << "two";
    ASSERT_TRUE(first.prepare(db));
    EXPECT_EQ(text_of(folder + "/gate"), "one");
    ASSERT_TRUE(Gates(folder_, program_).prepare(db));
    EXPECT_EQ(text_of(folder + "/gate"), "two");
}

TEST_F(GatesTest, MendWhatSomebodyBroke) {
    Gates gates(folder_, program_);
    const std::string folder = gates.prepare(db).value();
    fs::remove(folder_ + "/program");
    fs::remove(folder + "/gate");
    fs::remove(folder + "/release");
    std::ofstream(folder + "/release") << "no FIFO";

    ASSERT_TRUE(gates.prepare(db));

    EXPECT_EQ(text_of(folder + "/gate"), "one");
    EXPECT_EQ(mode_of(folder + "/release"), S_IFIFO | 0444U);
}

TEST_F(GatesTest, KnowWhetherSomebodyWaits) {
    Gates gates(folder_, program_);
    const std::string folder = gates.prepare(db).value();
    // Anybody but root needs leave to write.
    ASSERT_EQ(::chmod((folder + "/release").c_str(), 0600), 0);
    EXPECT_FALSE(gates.is_awaited(db).value());
    const posix::Fd reader(::open((folder + "/release").c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    EXPECT_TRUE(gates.is_awaited(db).value());
}

TEST_F(GatesTest, StayInTheirFolder) {
    Gates gates(folder_, program_);
    ASSERT_TRUE(gates.prepare(db));
    for (const char* name : {"", ".", "..", "../gate", "/etc", "db/../.."}) {
        EXPECT_EQ(gates.prepare(model::ApplicationName(name)).error().code, ErrorCode::invalid_argument) << name;
        EXPECT_TRUE(gates.remove(model::ApplicationName(name)));
        EXPECT_FALSE(Gates("", program_).prepare(model::ApplicationName(name)));
    }
    EXPECT_TRUE(fs::exists(folder_ + "/db/gate"));
    EXPECT_TRUE(gates.remove(db));
    EXPECT_TRUE(gates.remove(db)) << "once more";
    EXPECT_FALSE(fs::exists(folder_ + "/db"));
}

TEST_F(GatesTest, SayThatTheProgramIsMissing) {
    const auto prepared = Gates(folder_, root_ + "/nowhere").prepare(db);
    ASSERT_FALSE(prepared);
    EXPECT_EQ(prepared.error().code, ErrorCode::unavailable);
    EXPECT_NE(prepared.error().message.find("/nowhere"), std::string::npos) << prepared.error();
}

}  // namespace
}  // namespace flocker::docker
