// SPDX-License-Identifier: Apache-2.0
#include "cli/completion.hpp"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <array>
#include <cstdio>

#include "cli/testing.hpp"

namespace flocker::cli {
namespace {

using namespace testing;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class CompletionTest : public TestWorld, public ::testing::Test {
protected:
    std::string at(std::vector<std::string> words) {
        words.insert(words.begin(), "__complete");
        EXPECT_EQ(run(words), 0) << err.str();
        return out.str();
    }
    void know_a_cluster() {
        auto seen = cluster({application("db", "alder"), application("web", "birch")});
        api::VolumeEntry volume;
        volume.application = "db";
        volume.owner_node = "alder";
        api::VolumeEntry detached;
        detached.dataset = model::DatasetId{"11111111-2222-4333-8444-555555555555"};
        detached.owner_node = "birch";
        seen.volumes = {volume, detached};
        answer("GET", "/v1/status", seen);
        volume.copies = {{"alder", true, true, {}, true, false, false, {}, {{{model::Epoch{3}, 43}, clock_start}}}};
        volume.copies[0].set_aside = {{{model::Epoch{2}, 7}, clock_start, {}}};
        answer("GET", "/v1/volumes/db", volume);
    }
};

TEST_F(CompletionTest, OffersCommandsAndTheirOptionsFromTheTableThatHelpIsMadeOf) {
    EXPECT_THAT(at({""}), AllOf(HasSubstr("deploy\tMake the cluster"), HasSubstr("move\t"), HasSubstr("completion\t")));
    EXPECT_THAT(at({""}), Not(HasSubstr("__complete")));
    EXPECT_THAT(at({"volume", ""}), AllOf(HasSubstr("ls\t"), HasSubstr("snapshots\t"), Not(HasSubstr("deploy\t"))));
    EXPECT_THAT(at({"failover", "db", "--"}), AllOf(HasSubstr("--to\t"), HasSubstr("--dry-run\t"), HasSubstr("--context\t")));
    EXPECT_THAT(asked, IsEmpty()) << "nobody is asked for that";
}

TEST_F(CompletionTest, OffersLiveNames) {
    know_a_cluster();
    EXPECT_EQ(at({"logs", ""}), "db\tdb:1 on alder\nweb\tweb:1 on birch\n");
    EXPECT_THAT(at({"move", "db", ""}), AllOf(HasSubstr("alder\t10.0.0.1\n"), HasSubstr("birch\t")));
    EXPECT_THAT(at({"failover", "db", "--to", ""}), HasSubstr("birch\t"));
    EXPECT_THAT(at({"node", "drain", ""}), HasSubstr("alder\t"));
    EXPECT_THAT(at({"volume", "inspect", ""}),
                AllOf(HasSubstr("db\ton alder\n"), HasSubstr("11111111-2222-4333-8444-555555555555\tdetached")));
    EXPECT_THAT(at({"volume", "mount", "db", ""}),
                AllOf(HasSubstr("e3-s43\ton alder\n"), HasSubstr("e2-s7\tset aside on alder\n")));
    EXPECT_THAT(at({"why", ""}), AllOf(HasSubstr("db\t"), HasSubstr("alder\t")));
    EXPECT_THAT(at({"move", ""}), AllOf(HasSubstr("ls\t"), HasSubstr("web\t")));
}

TEST_F(CompletionTest, OffersNothingWhereTheControlServiceDoesNotAnswer) {
    EXPECT_EQ(at({"logs", ""}), "");
    world.connect = [](const Access&) -> Result<api::Transport> { return fail(ErrorCode::unavailable, "no way"); };
    EXPECT_EQ(at({"logs", ""}), "");
    EXPECT_EQ(err.str(), "");
}

TEST_F(CompletionTest, WaitsForNamesLessThanASecond) {
    std::optional<Duration> limit;
    world.end_within = [&](Duration given) { limit = given; };
    know_a_cluster();
    EXPECT_NE(at({"logs", ""}), "");
    ASSERT_TRUE(limit.has_value());
    EXPECT_LT(*limit, 1s);
    limit.reset();
    EXPECT_NE(at({""}), "");
    EXPECT_FALSE(limit.has_value()) << "what needs nobody is always offered";
}

TEST_F(CompletionTest, LeavesFilesToTheShell) {
    EXPECT_EQ(at({"deploy", ""}), ":files\n");
    EXPECT_EQ(at({"deploy", "a.yml", ""}), ":files\n");
    EXPECT_EQ(at({"volume", "umount", ""}), ":folders\n");
    EXPECT_EQ(at({"context", "import", ""}), ":files\n");
}

TEST_F(CompletionTest, OffersWhatOtherRoomsBring) {
    usage::CommandShape restore{"restore", "Put it back", "", {}, {}};
    restore.options.push_back({{}, "FILE", "TEXT", "The backup", "", true, false});
    restore.options.push_back({{"--yes"}, "", "", "Do not ask", "", false, false});
    world.extra = {{"restore", "Put it back", [](const auto&) { return 0; }, [restore] { return restore; }}};
    EXPECT_THAT(at({""}), HasSubstr("restore\tPut it back\n"));
    EXPECT_EQ(at({"restore", ""}), ":files\n");
    EXPECT_THAT(at({"restore", "-"}), HasSubstr("--yes\tDo not ask\n"));
}

TEST_F(CompletionTest, SaysNothingOfWhatItDoesNotKnow) {
    EXPECT_EQ(at({"nonsense", "more", ""}), "");
    EXPECT_EQ(run({"completion", "fish"}), 2);
    EXPECT_THAT(err.str(), HasSubstr("bash or zsh"));
}

/// What a shell says to a line of commands.
std::string said_by(const std::string& command) {
    std::string said;
    FILE* pipe = ::popen(command.c_str(), "r");
    std::array<char, 256> piece{};
    while (pipe && std::fgets(piece.data(), piece.size(), pipe)) said += piece.data();
    if (pipe) ::pclose(pipe);
    return said;
}

TEST_F(CompletionTest, ScriptsMakeTheShellsCallIt) {
    for (const char* shell : {"bash", "zsh"}) {
        ASSERT_EQ(run({"completion", shell}), 0);
        const std::string script = folder.write(std::string("script.") + shell, out.str());
        if (said_by(std::string("command -v ") + shell).empty()) continue;
        EXPECT_EQ(said_by(std::string(shell) + " -n " + script + " 2>&1"), "") << shell;
    }
    // A flocker that says what it was asked.
    const std::string stand_in = folder.write(
        "flocker", "#!/bin/sh\n"
                   "[ \"$*\" = '__complete move db bi' ] && printf 'birch\\tx\\nalder\\ty\\n'\n"
                   "[ \"$*\" = '__complete deploy ' ] && printf 'works\\t\\n:files\\n'\n"
                   "exit 0\n");
    ::chmod(stand_in.c_str(), 0755);
    const std::string test = folder.write("test.bash", ". '" + folder.path("script.bash") + "'\n"
                                                       "COMP_WORDS=(flocker move db bi) COMP_CWORD=3\n"
                                                       "_flocker " + stand_in + " bi db\n"
                                                       "echo \"${COMPREPLY[*]}\"\n"
                                                       "COMP_WORDS=(flocker-deploy '') COMP_CWORD=1\n"
                                                       "_flocker_deploy " + stand_in + "-deploy '' x\n"
                                                       "echo \"${COMPREPLY[*]}\"\n");
    EXPECT_EQ(said_by("bash " + test), "birch\nworks\n");
}

TEST_F(CompletionTest, GivesTheWholeTableToTheManPages) {
    EXPECT_EQ(run({"__shape"}), 0);
    EXPECT_THAT(out.str(), AllOf(HasSubstr(R"("name":"flocker")"), HasSubstr(R"("name":"drain")"),
                                 HasSubstr(R"("place":"NODE")")));
}

}  // namespace
}  // namespace flocker::cli
