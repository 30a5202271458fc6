// SPDX-License-Identifier: Apache-2.0
#include "apps/flocker/transport.hpp"

#include <memory>
#include <sstream>
#include <utility>
#include <vector>

#include "adapters/http/client.hpp"
#include "adapters/posix/files.hpp"
#include "adapters/tls/tls_stream.hpp"
#include "standby/asking.hpp"

namespace flocker {
namespace {

constexpr Duration connect_limit = 5s;
constexpr std::size_t memory_max = std::size_t{64} << 10U;

/// The way to the control service of one context, wherever it is by now. The file that it remembers has a line for
/// where the control service was found last, "address:port", and one with the members' addresses.
class Way {
public:
    Way(const cli::Access& access, tls::TlsContext identity)
        : identity_(std::move(identity)), memory_(access.memory), address_(access.address), port_(access.port) {
        std::istringstream text(posix::read_file(memory_, memory_max).value_or(""));
        std::string place;
        if (std::getline(text, place) && std::getline(text, members_)) remembered_ = place + "\n" + members_ + "\n";
        const auto colon = place.rfind(':');
        if (colon == std::string::npos) return;
        address_ = place.substr(0, colon);
        port_ = static_cast<std::uint16_t>(std::strtoul(place.c_str() + colon + 1, nullptr, 10));
    }

    [[nodiscard]] Result<std::unique_ptr<posix::Stream>> dial() {
        auto stream = connect();
        if (stream || !seek()) return stream;
        return connect();
    }

    /// Best effort: a context that others own may lie in a folder of theirs.
    void remember(std::string_view members) {
        const std::string text = address_ + ":" + std::to_string(port_) + "\n" + std::string(members) + "\n";
        if (memory_.empty() || text == remembered_) return;
        remembered_ = text;
        static_cast<void>(posix::write_file_atomically(memory_, text, 0600));
    }

private:
    [[nodiscard]] Result<std::unique_ptr<posix::Stream>> connect() const {
        return identity_.connect(address_, port_, connect_limit, tls::peer_is("control"));
    }

    /// Asks those who were members; whether it is elsewhere.
    bool seek() {
        std::vector<model::Node> nodes;
        std::istringstream addresses(members_);
        for (std::string address; std::getline(addresses, address, ',');) nodes.emplace_back().address = address;
        std::optional<model::ControlPlace> newest;
        for (const auto& asked : standby::ask_all(identity_.connector(standby::may_say), nodes, port_)) {
            if (asked.word && (!newest || newest->term < asked.word->place.term)) newest = asked.word->place;
        }
        if (!newest || (newest->address == address_ && newest->port == port_)) return false;
        address_ = newest->address;
        port_ = newest->port;
        return true;
    }

    tls::TlsContext identity_;
    std::string memory_;
    std::string address_;
    std::uint16_t port_;
    std::string members_;
    std::string remembered_;
};

}  // namespace

Result<api::Transport> connect(const cli::Access& access) {
    FLOCKER_TRY(auto identity, tls::TlsContext::make({access.authority, access.certificate, access.key}));
    const auto way = std::make_shared<Way>(access, std::move(identity));
    const auto client = std::make_shared<http::HttpClient>([way] { return way->dial(); },
                                                           access.address + ":" + std::to_string(access.port));
    return [client, way](const api::Call& call) -> Result<http::Response> {
        http::Exchange how;
        how.sink = call.sink;
        how.idle_limit = call.idle_limit;
        auto response = client->exchange(call.request, how);
        if (response) {
            if (const auto members = response->headers.find(standby::members_header)) way->remember(*members);
        }
        return response;
    };
}

}  // namespace flocker
