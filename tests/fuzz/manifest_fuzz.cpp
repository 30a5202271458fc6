// SPDX-License-Identifier: Apache-2.0
//
// The first byte says which file it is.
#include <algorithm>
#include <string>
#include <variant>
#include <vector>

#include "manifest/daemon_config.hpp"
#include "manifest/limits.hpp"
#include "manifest/manifest.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace flocker::fuzz {
namespace {

using manifest::Diagnostic;

constexpr const char* sound_deployment = "version: 1\nnodes: {alder: []}\n";
constexpr const char* sound_application = "version: 1\napplications: {web: {image: nginx}}\n";

template <class Value>
void check(const std::variant<Value, std::vector<Diagnostic>>& outcome) {
    const auto* problems = std::get_if<std::vector<Diagnostic>>(&outcome);
    if (problems == nullptr) return;
    expect(!problems->empty(), "what is refused is refused with a word");
    expect(problems->size() <= 2 * (manifest::limits::problems_per_file + 1), "there are not more than a person reads");
    for (const Diagnostic& problem : *problems) {
        expect(problem.line >= 1 && problem.column >= 1, "a problem has a place");
        expect(!problem.message.empty() && problem.message.size() < 4000, "a message has a length");
        const bool printable = std::ranges::none_of(problem.message, [](char c) { return c >= 0 && c < ' '; });
        expect(printable, "a message is one line that can be shown");
    }
}

}  // namespace
}  // namespace flocker::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace flocker;
    std::string_view text = fuzz::text_of(data, size);
    switch (fuzz::choose(text, 3)) {
        case 0:
            fuzz::check(manifest::parse({"deployment", fuzz::sound_deployment}, {"application", std::string(text)}));
            break;
        case 1:
            fuzz::check(manifest::parse({"deployment", std::string(text)}, {"application", fuzz::sound_application}));
            break;
        default: {
            const auto config = manifest::parse_daemon_config({"flocker.yml", std::string(text)});
            fuzz::check(config);
            if (const auto* good = std::get_if<manifest::DaemonConfig>(&config)) {
                const auto again = manifest::parse_daemon_config({"flocker.yml", manifest::to_yaml(*good)});
                fuzz::expect(std::get_if<0>(&again) != nullptr && *std::get_if<0>(&again) == *good,
                             "a configuration comes back as it was written");
            }
        }
    }
    return 0;
}
