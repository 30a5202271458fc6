// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "base/strong.hpp"
#include "manifest/daemon_config.hpp"
#include "manifest/manifest.hpp"

namespace flocker::manifest {
namespace {

constexpr const char* sound_deployment = "version: 1\nnodes: {alder: []}\n";
constexpr const char* sound_application = "version: 1\napplications: {web: {image: nginx}}\n";
constexpr std::string_view section_mark = "=== ";

struct Case {
    std::string before_problems;  ///< As in the file, to write it again.
    std::map<std::string, std::string> inputs;
    std::string expected;
};

std::string unescape(const std::string& text) {
    std::string out;
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] != '\\' || at + 1 == text.size()) {
            out += text[at];
            continue;
        }
        const char c = text[++at];
        if (c == 'x') {
            unsigned byte = 0;
            std::from_chars(text.data() + at + 1, text.data() + at + 3, byte, 16);
            out += static_cast<char>(byte);
            at += 2;
        } else {
            out += c == 't' ? '\t' : c == 'r' ? '\r' : c;
        }
    }
    return out;
}

Case read_case(const std::filesystem::path& path) {
    Case result;
    std::ifstream in(path, std::ios::binary);
    std::string section;
    std::map<std::string, std::string> sections;
    for (std::string line; std::getline(in, line);) {
        if (line.starts_with(section_mark)) {
            section = line.substr(section_mark.size());
            sections[section];
        } else if (!section.empty()) {
            sections[section] += line + "\n";
        }
        if (section != "problems") result.before_problems += line + "\n";
    }
    for (const auto& [name, text] : sections) {
        const auto blank = name.find(' ');
        if (name == "problems") {
            result.expected = text;
        } else {
            result.inputs[name.substr(0, blank)] = blank == std::string::npos ? text : unescape(text);
        }
    }
    return result;
}

template <class Value>
std::string to_lines(const std::variant<Value, std::vector<Diagnostic>>& outcome) {
    const auto* problems = std::get_if<std::vector<Diagnostic>>(&outcome);
    if (problems == nullptr) return "accepted\n";
    std::string lines;
    for (const auto& problem : *problems) lines += to_text(problem) + "\n";
    return lines;
}

std::string outcome_of(const Case& golden) {
    if (const auto config = golden.inputs.find("flocker.yml"); config != golden.inputs.end()) {
        return to_lines(parse_daemon_config({config->first, config->second}));
    }
    const auto source = [&](const std::string& file, const char* sound) {
        const auto found = golden.inputs.find(file);
        return SourceText{file, found == golden.inputs.end() ? sound : found->second};
    };
    return to_lines(parse(source("deployment.yml", sound_deployment), source("application.yml", sound_application)));
}

std::vector<std::string> case_names() {
    std::vector<std::string> names;
    for (const auto& file : std::filesystem::directory_iterator(GOLDEN_CASES)) {
        if (file.path().extension() == ".txt") names.push_back(file.path().stem().string());
    }
    std::sort(names.begin(), names.end());
    return names;
}

class P6RefusedBeforeTouched : public testing::TestWithParam<std::string> {};

TEST_P(P6RefusedBeforeTouched, SaysExactlyThis) {
    const auto path = std::filesystem::path(GOLDEN_CASES) / (GetParam() + ".txt");
    const auto golden = read_case(path);
    ASSERT_FALSE(golden.inputs.empty()) << "no input in " << path;

    const auto found = outcome_of(golden);

    if (std::getenv("FLOCKER_REWRITE_GOLDEN") != nullptr) {
        std::ofstream(path, std::ios::binary) << golden.before_problems << "=== problems\n" << found;
    } else {
        EXPECT_EQ(found, golden.expected) << "in " << path;
    }
    EXPECT_EQ(found.find("hunter2"), std::string::npos) << "a secret is in a message";
}

INSTANTIATE_TEST_SUITE_P(Manifest, P6RefusedBeforeTouched, testing::ValuesIn(case_names()),
                         [](const auto& tested) { return tested.param; });

}  // namespace
}  // namespace flocker::manifest
