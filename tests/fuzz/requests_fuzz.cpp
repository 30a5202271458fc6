// SPDX-License-Identifier: Apache-2.0
//
// Bodies of requests to the REST API. The first byte says which.
#include "api/deployment_check.hpp"
#include "api/documents_json.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace flocker::fuzz {
namespace {

template <class Document>
void check(std::string_view text) {
    const auto document = api::from_json<Document>(text);
    if (!document) {
        expect(!document.error().message.empty(), "it is said what is wrong");
        return;
    }
    const std::string written = api::to_json(*document);
    const auto again = api::from_json<Document>(written);
    expect(again && api::to_json(*again) == written, "what is written says the same");
}

/// What passes may be planned: its names are names, its numbers are in range.
void check_deployment(std::string_view text) {
    const auto request = api::from_json<api::DeployRequest>(text);
    if (!request) return;
    for (const plan::Refusal& refusal : api::check(request->deployment)) {
        expect(!refusal.message.empty(), "a refusal says why");
    }
}

}  // namespace
}  // namespace flocker::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace flocker;
    std::string_view text = fuzz::text_of(data, size);
    switch (fuzz::choose(text, 9)) {
        case 0: fuzz::check<api::DeployRequest>(text); break;
        case 1: fuzz::check<api::MoveRequest>(text); break;
        case 2: fuzz::check<api::FailoverRequest>(text); break;
        case 3: fuzz::check<api::DrainRequest>(text); break;
        case 4: fuzz::check<api::NodeBandwidth>(text); break;
        case 5: fuzz::check<api::SettingsRequest>(text); break;
        case 6: fuzz::check<api::TokenRequest>(text); break;
        case 7: fuzz::check<api::JoinDocument>(text); break;
        default: fuzz::check_deployment(text); break;
    }
    return 0;
}
