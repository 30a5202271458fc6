// SPDX-License-Identifier: Apache-2.0
#include "standby/place.hpp"

#include "adapters/posix/files.hpp"
#include "codec/json.hpp"
#include "setup/layout.hpp"

namespace flocker::standby {
namespace {

constexpr std::size_t text_max = 4096;

std::string path_of(const manifest::DaemonConfig& config) { return setup::StateFolder{config.state}.place(); }

}  // namespace

Result<model::ControlPlace> read_place(const manifest::DaemonConfig& config) {
    const auto text = posix::read_file(path_of(config), text_max);
    if (!text && text.error().code == ErrorCode::not_found) {
        return model::ControlPlace{config.control.address, config.control.port, config.control.agent_port, 0};
    }
    if (!text) return tl::unexpected(text.error());
    auto place = codec::decode<model::ControlPlace>(*text);
    if (!place) return fail_in(path_of(config), place.error());
    return place;
}

Status write_place(const manifest::DaemonConfig& config, const model::ControlPlace& place) {
    return posix::write_file_atomically(path_of(config), codec::encode(place), 0600);
}

bool is_here(const manifest::DaemonConfig& config, const model::ControlPlace& place) {
    return place.term == 0 ? config.control.serve : place.address == config.node.address;
}

}  // namespace flocker::standby
