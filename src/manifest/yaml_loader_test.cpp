// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <random>

#include "manifest/daemon_config.hpp"
#include "manifest/limits.hpp"
#include "manifest/manifest.hpp"
#include "manifest/value.hpp"

namespace flocker::manifest {
namespace {

using testing::HasSubstr;

std::string repeated(const std::string& part, std::size_t bytes) {
    std::string text;
    while (text.size() + part.size() <= bytes) text += part;
    return text;
}

std::string first_problem(const std::string& text) {
    Problems problems("f");
    const auto tree = load_yaml({"f", text}, problems);
    EXPECT_TRUE(tree || !problems.empty()) << "refused without a word";
    return problems.empty() ? "" : to_text(problems.found().front());
}

TEST(YamlLoader, GivesEachValueWithItsPlace) {
    Problems problems("f");
    const auto tree = load_yaml({"f", "é: [a, \"b\", ~]\nc:\n  d: {e: f}\n"}, problems);

    ASSERT_TRUE(tree && problems.empty());
    const auto* list = tree->find("é");
    ASSERT_TRUE(list != nullptr && list->items.size() == 3);
    EXPECT_EQ(list->items[0].kind, Value::Kind::plain);
    EXPECT_EQ(list->items[1].kind, Value::Kind::quoted);
    EXPECT_EQ(list->items[1].position, (Position{1, 8}));
    EXPECT_EQ(list->items[2].kind, Value::Kind::null);
    EXPECT_EQ(list->items[2].position, (Position{1, 13}));
    EXPECT_EQ(tree->find("c")->find("d")->find("e")->position, (Position{3, 10}));
}

TEST(YamlLoader, KeepsTabsInsideOfTextAndRefusesThemInIndentation) {
    EXPECT_EQ(first_problem("a: |\n  one\n  \ttwo\n"), "");
    EXPECT_EQ(first_problem("a: \"one\n\ttwo\"\n"), "");
    EXPECT_EQ(first_problem("a:\n\tb: 1\n"), "f:2:1: a tab in the indentation, use spaces");
    EXPECT_EQ(first_problem("a:\n  - b\n\t- c\n"), "f:3:1: a tab in the indentation, use spaces");
}

TEST(YamlLoader, RefusesMoreThanItsLimits) {
    EXPECT_EQ(first_problem("a: " + std::string(limits::text_bytes - 3, 'x')), "");
    EXPECT_THAT(first_problem("a: " + std::string(limits::text_bytes - 2, 'x')), HasSubstr("at most 1048576 are read"));
    EXPECT_THAT(first_problem("[" + repeated("a,", 2 * limits::values + 10) + "]"),
                HasSubstr("more than 50000 values"));
    EXPECT_EQ(first_problem(std::string(limits::depth, '[') + std::string(limits::depth, ']')), "");
    EXPECT_THAT(first_problem(std::string(limits::depth + 1, '[') + std::string(limits::depth + 1, ']')),
                HasSubstr("more than 16 levels deep"));
}

TEST(YamlLoader, EndsSoonWhateverFillsTheFile) {
    for (const char* part : {"[",    "{",     "- ",   "? ",   "a: ",  "a ",     "\"",    "'a' ",   "- a\n",
                             "a,",   "\n",    "#",    "#\n",  "&a ",  "*a ",    "!a ",   "%a b\n", "---\n",
                             " ",    ":",     "|\n",  "?[",   "[?",   "[a: ",   "\t",    "\r\n",   "é",
                             "\"\\", "...\n", "a:\n", "- - ", ">\n ", "[[a]: ", "{a: b,"}) {
        const auto begin = std::chrono::steady_clock::now();
        for (const char* before : {"", "[", "version: 1\nnodes: ", "a: \""}) {
            const auto text = before + repeated(part, limits::text_bytes / 8);
            const auto outcome = parse({"d", text}, {"a", text});
            EXPECT_EQ(outcome.index(), 1u) << before << part;
        }
        // Generous: sanitizers, and other work on the machine.
        EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(20)) << part;
    }
}

/// By how much a process grew that did this.
long grown_kib(const std::function<void()>& work) {
    const auto peak = [](const std::function<void()>& done) {
        const pid_t child = ::fork();
        if (child == 0) {
            done();
            ::_exit(0);
        }
        int status = 0;
        rusage used{};
        EXPECT_EQ(::wait4(child, &status, 0, &used), child);
        EXPECT_EQ(status, 0) << "it ended early";
        return used.ru_maxrss;
    };
    return peak(work) - peak([] {});
}

TEST(YamlLoader, TakesAModestAmountOfMemoryWhateverFillsTheFile) {
    std::string bomb = "a: &a [x, x, x, x, x, x, x, x, x, x]\n";
    for (char name = 'b'; name <= 'z'; ++name) {
        const std::string before = std::string("*") + static_cast<char>(name - 1) + ",";
        bomb += std::string{name} + ": &" + name + " [" + repeated(before, 30) + "]\n";
    }
    std::string names = "version: 1\napplications:\n";
    for (int i = 0; i < 90; ++i) names += "  " + std::string(10'000, 'a') + std::to_string(i) + ": {}\n";
    std::string applications = "version: 1\napplications:\n";
    for (int i = 0; i < 10'000; ++i) applications += "  app" + std::to_string(i) + ": {image: nginx}\n";
    const auto filled = [](const std::string& part) { return repeated(part, limits::text_bytes / 16); };
    for (const std::string& text : {bomb, names, applications, filled("["), filled("a,"), "[" + filled("{},"), filled("- "),
                                    filled("a: "), filled("\"a\\n"), filled(std::string(1, '\0')), filled("\xff\xfe"),
                                    std::string(100'000'000, 'x')}) {
        const long grown = grown_kib([&] {
            const auto outcome = parse({"d", text}, {"a", text});
            const auto* problems = std::get_if<1>(&outcome);
            const bool told = problems != nullptr && !problems->empty() && problems->size() <= 2 * limits::problems_per_file + 2;
            if (!told) ::_exit(1);
        });
        // The sanitizers take several times what we do.
        EXPECT_LT(grown, 400 * 1024) << text.substr(0, 40);
    }
}

TEST(YamlLoader, SurvivesEveryMutationOfGoodFiles) {
    const std::string good =
        "version: 1\n"
        "applications:\n"
        "  web: {image: \"registry:5000/nginx:1\", ports: [{internal: 80, external: 8080}], command: 'a \"b\"'}\n"
        "  db:\n"
        "    image: postgres\n"
        "    links: [{local_port: 1, remote_port: 2, alias: x}]\n"
        "    volume:\n"
        "      mountpoint: /data # here\n"
        "      maximum_size: 1.5G\n"
        "    environment:\n"
        "      SECRET: |\n"
        "        hunter2\n"
        "    restart_policy: {name: on-failure, maximum_retry_count: 3}\n"
        "    mem_limit: 104857600\n"
        "control: {port: 1}\nnode: {name: x}\nnodes:\n  alder: [web]\n  {datacenter: fra}: [db]\n";
    const std::string alphabet = "\n\n  \t:-#[]{},&*!|>'\"%@`\\?~=.<a0\r\xEF\xBB\xBF\xC3\xA9";
    std::mt19937 random(20261122);  // NOLINT: the same mutations in every run
    const auto below = [&](std::size_t limit) { return static_cast<std::size_t>(random() % limit); };

    for (int round = 0; round < 3000; ++round) {
        auto text = good;
        for (std::size_t change = 0; change <= below(4); ++change) {
            const auto at = below(text.size());
            switch (below(4)) {
                case 0: text.insert(at, 1, alphabet[below(alphabet.size())]); break;
                case 1: text[at] = alphabet[below(alphabet.size())]; break;
                case 2: text.erase(at, below(20)); break;
                default: text.insert(at, text.substr(below(text.size()), below(40))); break;
            }
            if (text.empty()) text = "x";
        }
        const auto outcome = parse({"d", text}, {"a", text});
        ASSERT_EQ(outcome.index(), 1u) << "one text can't be both manifests";
        for (const auto& problem : std::get<1>(outcome)) {
            EXPECT_GE(problem.line, 1u);
            EXPECT_GE(problem.column, 1u);
            EXPECT_FALSE(problem.message.empty());
            EXPECT_EQ(problem.message.find('\n'), std::string::npos);
        }
        EXPECT_EQ(parse_daemon_config({"c", text}).index(), 1u);
    }
}

}  // namespace
}  // namespace flocker::manifest
