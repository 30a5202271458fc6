// SPDX-License-Identifier: Apache-2.0
//
// What agents and control service say to each other, and the copy of the records. The first byte says what it is.
#include "codec/json.hpp"
#include "model/assignment.hpp"
#include "model/control.hpp"
#include "model/records.hpp"
#include "model/report.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace flocker::fuzz {
namespace {

template <class Message>
void check(std::string_view text) {
    const auto message = codec::decode<Message>(text);
    if (!message) {
        expect(message.error().code == ErrorCode::corrupt && !message.error().message.empty(), "it is said what is wrong");
        return;
    }
    const std::string written = codec::encode(*message);
    const auto again = codec::decode<Message>(written);
    expect(again.has_value(), "what is written can be read");
    expect(codec::encode(*again) == written, "and says the same");
}

}  // namespace
}  // namespace flocker::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace flocker;
    std::string_view text = fuzz::text_of(data, size);
    switch (fuzz::choose(text, 6)) {
        case 0: fuzz::check<model::NodeReport>(text); break;
        case 1: fuzz::check<model::Assignment>(text); break;
        case 2: fuzz::check<model::ReportReceipt>(text); break;
        case 3: fuzz::check<model::Records>(text); break;
        case 4: fuzz::check<model::ControlWord>(text); break;
        default: fuzz::check<std::vector<model::Event>>(text); break;
    }
    return 0;
}
