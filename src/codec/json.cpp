// SPDX-License-Identifier: Apache-2.0
#include "codec/json.hpp"

#include "codec/json_decoder.hpp"
#include "codec/json_encoder.hpp"

namespace flocker::codec {

template <class T>
std::string encode(const T& value) {
    Encoder encoder;
    encoder.value(value);
    return encoder.take();
}

template <class T>
Result<T> decode(std::string_view text) {
    FLOCKER_TRY(const auto tree, parse(text));
    Decoder decoder;
    T value{};
    decoder.read(tree, value, Path{});
    if (decoder.error()) return tl::unexpected(*decoder.error());
    return value;
}

#define FLOCKER_JSON(...)                            \
    template std::string encode(const __VA_ARGS__&); \
    template Result<__VA_ARGS__> decode<__VA_ARGS__>(std::string_view)

FLOCKER_JSON(model::Application);
FLOCKER_JSON(model::Assignment);
FLOCKER_JSON(model::DatasetSeen);
FLOCKER_JSON(model::Deployment);
FLOCKER_JSON(model::Event);
FLOCKER_JSON(model::MoveResult);
FLOCKER_JSON(model::Node);
FLOCKER_JSON(model::NodeReport);
FLOCKER_JSON(model::ReportReceipt);
FLOCKER_JSON(model::ClusterSettings);
FLOCKER_JSON(model::Ownership);
FLOCKER_JSON(model::Records);
FLOCKER_JSON(model::Takeover);
FLOCKER_JSON(model::ControlPlace);
FLOCKER_JSON(model::ControlWord);
FLOCKER_JSON(model::BackupHead);
FLOCKER_JSON(model::Wanted);
FLOCKER_JSON(std::map<std::string, std::string>);
FLOCKER_JSON(std::vector<model::Event>);
FLOCKER_JSON(std::vector<model::Node>);
FLOCKER_JSON(std::vector<model::Ownership>);

}  // namespace flocker::codec
