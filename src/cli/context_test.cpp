// SPDX-License-Identifier: Apache-2.0
#include "cli/context.hpp"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include "cli/testing.hpp"

namespace flocker::cli {
namespace {

using testing::Folder;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr const char* whole =
    R"({"control":"10.0.0.1:4523","ca":"-----BEGIN A\nx","certificate":"-----BEGIN C","key":"-----BEGIN K"})";
const Access access{"10.0.0.1", 4523, "-----BEGIN A\nx", "-----BEGIN C", "-----BEGIN K"};

/// But for where it is remembered who the nodes are.
Access loaded(const std::string& path) {
    Access found = load_context(path).value();
    found.memory.clear();
    return found;
}

class ContextsTest : public ::testing::Test {
protected:
    Folder folder;
    Contexts contexts{folder.path("etc/context.json"), folder.path("home/flocker")};
};

TEST(LoadContext, TakesTextsOrPathsFromItsFolderOn) {
    const Folder folder;
    folder.write("ca.pem", "-----BEGIN A\nx");
    folder.write("keys/ann.pem", "-----BEGIN C");
    folder.write("ann.key", "-----BEGIN K");
    const std::string yaml = folder.write(
        "c.yml", "control: 10.0.0.1\nca: ca.pem\ncertificate: keys/ann.pem\nkey: " + folder.path("ann.key") + "\n");

    EXPECT_EQ(loaded(yaml), access);
    EXPECT_EQ(load_context(yaml)->memory, yaml + ".nodes");
    EXPECT_EQ(loaded(folder.write("c.json", whole)), access);
    EXPECT_EQ(loaded(folder.write("again.json", to_json(access))), access);
}

TEST(LoadContext, SaysWhatIsWrong) {
    const Folder folder;
    const auto error = [&](const std::string& text) { return load_context(folder.write("c.yml", text)).error(); };

    EXPECT_EQ(load_context(folder.path("none")).error().code, ErrorCode::not_found);
    EXPECT_THAT(error("control: [").message, HasSubstr("c.yml:1:"));
    EXPECT_THAT(error("control: a:1\nca: x\n").message, HasSubstr("/x: there is no such file"));
    EXPECT_THAT(error("ca: x\n").message, HasSubstr("control is missing"));
    for (const char* control : {":4523", "a:0", "a:70000", "a:b", "a:"}) {
        EXPECT_THAT(error(std::string("control: \"") + control + "\"\n").message, HasSubstr("like 10.0.0.1:4523"))
            << control;
    }
}

TEST_F(ContextsTest, SayWhatToDoWhenThereAreNone) {
    EXPECT_THAT(contexts.list(), IsEmpty());
    EXPECT_THAT(contexts.find({}).error().message, HasSubstr("flocker init"));
    EXPECT_THAT(contexts.find("prod").error().message, HasSubstr("flocker context ls"));
}

TEST_F(ContextsTest, PreferTheSystemsUntilAnotherIsUsed) {
    folder.write("etc/context.json", whole);
    folder.write("home/flocker/contexts/prod.json", whole);
    EXPECT_EQ(contexts.find({}).value().name, "default");

    ASSERT_TRUE(contexts.use("prod"));
    EXPECT_EQ(contexts.find({}).value().name, "prod");
    EXPECT_EQ(contexts.find("default").value().path, folder.path("etc/context.json"));
    EXPECT_TRUE(contexts.list().at(1).in_use);

    ASSERT_TRUE(contexts.use("default"));
    EXPECT_EQ(contexts.find({}).value().name, "default");
    EXPECT_FALSE(contexts.use("none"));
}

TEST_F(ContextsTest, UseTheOnlyOneAndChooseNoneOfSeveral) {
    folder.write("home/flocker/contexts/prod.json", whole);
    EXPECT_EQ(contexts.find({}).value().name, "prod");

    folder.write("home/flocker/contexts/test.yml", whole);
    EXPECT_THAT(contexts.find({}).error().message, HasSubstr("flocker context use"));
}

TEST_F(ContextsTest, TakeAFileInsteadOfAName) {
    const std::string file = folder.write("elsewhere/c.json", whole);
    EXPECT_EQ(contexts.find(file).value().path, file);
    EXPECT_FALSE(contexts.use(file)) << "a file is not kept";
}

TEST_F(ContextsTest, KeepAnImportedOneForItsPersonAlone) {
    ASSERT_TRUE(contexts.add("prod", access));

    const std::string path = contexts.find("prod").value().path;
    EXPECT_EQ(loaded(path), access);
    struct stat facts {};
    ASSERT_EQ(::stat(path.c_str(), &facts), 0);
    EXPECT_EQ(facts.st_mode & 0777U, 0600U);
    EXPECT_EQ(contexts.add("prod", access).error().code, ErrorCode::already_exists);
    for (const char* name : {"", "../x", ".hidden", "default", "a b"}) {
        EXPECT_EQ(contexts.add(name, access).error().code, ErrorCode::invalid_argument) << name;
    }
}

}  // namespace
}  // namespace flocker::cli
