// SPDX-License-Identifier: Apache-2.0
#include "apps/flocker/transport.hpp"

#include <memory>

#include "adapters/http/client.hpp"
#include "adapters/tls/tls_stream.hpp"

namespace flocker {
namespace {

constexpr Duration connect_limit = 10s;

}  // namespace

Result<api::Transport> connect(const cli::Access& access) {
    FLOCKER_TRY(const auto context, tls::TlsContext::make({access.authority, access.certificate, access.key}));
    http::Dial dial = [context, address = access.address, port = access.port] {
        return context.connect(address, port, connect_limit, tls::peer_is("control"));
    };
    const auto client =
        std::make_shared<http::HttpClient>(std::move(dial), access.address + ":" + std::to_string(access.port));
    return [client](const api::Call& call) {
        http::Exchange how;
        how.sink = call.sink;
        how.idle_limit = call.idle_limit;
        return client->exchange(call.request, how);
    };
}

}  // namespace flocker
