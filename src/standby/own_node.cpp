// SPDX-License-Identifier: Apache-2.0
#include "standby/own_node.hpp"

#include "adapters/posix/files.hpp"

namespace flocker::standby {

Result<OwnNode> read_own_node(const std::string& config_folder) {
    constexpr std::size_t file_max = std::size_t{1} << 20U;
    const setup::ConfigFolder folder{config_folder};
    const auto text = posix::read_file(folder.daemon(), file_max);
    if (!text) return fail(text.error().code, text.error().message + "; this is done on a node, as root");
    auto parsed = manifest::parse_daemon_config({folder.daemon(), *text});
    if (const auto* problems = std::get_if<std::vector<manifest::Diagnostic>>(&parsed)) {
        return fail(ErrorCode::invalid_argument, manifest::to_text(problems->front()));
    }
    tls::Credentials credentials;
    FLOCKER_TRY(credentials.authority, posix::read_file(folder.authority(), file_max));
    FLOCKER_TRY(credentials.certificate, posix::read_file(folder.certificate("node"), file_max));
    const auto key = posix::read_file(folder.key("node"), file_max);
    if (!key) return fail(key.error().code, key.error().message + "; this is done as root");
    credentials.key = *key;
    FLOCKER_TRY(auto identity, tls::TlsContext::make(credentials));
    return OwnNode{folder, std::get<manifest::DaemonConfig>(std::move(parsed)), credentials.authority, std::move(identity)};
}

}  // namespace flocker::standby
