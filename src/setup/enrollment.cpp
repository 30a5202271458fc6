// SPDX-License-Identifier: Apache-2.0
#include "setup/enrollment.hpp"

#include "adapters/posix/files.hpp"

namespace flocker::setup {
namespace {

/// A token's name in lists, which gives nothing of its secret away.
std::string id_of(const std::string& digest) { return digest.substr(0, 8); }

}  // namespace

std::string new_uuid() {
    auto text = posix::read_file("/proc/sys/kernel/random/uuid", 64);
    if (!text) return {};
    while (!text->empty() && text->back() == '\n') text->pop_back();
    return *text;
}

ClusterEnrollment::ClusterEnrollment(sqlite::SqliteTokenStore& tokens, tls::Authority authority,
                                     std::vector<tls::Endpoint> control, std::function<Instant()> clock)
    : tokens_(tokens), authority_(std::move(authority)), control_(std::move(control)), clock_(std::move(clock)) {}

Result<std::string> ClusterEnrollment::create_token(Duration lifetime) {
    FLOCKER_TRY(const std::string fingerprint, tls::fingerprint(authority_.certificate));
    FLOCKER_TRY(const tls::JoinToken token, tls::make_token(control_, fingerprint));
    sqlite::JoinToken entry;
    entry.secret_sha256 = tls::secret_digest(token.secret);
    entry.id = id_of(entry.secret_sha256);
    entry.created = clock_();
    entry.expires = entry.created + lifetime;
    FLOCKER_CHECK_OK(tokens_.create(entry));
    return tls::to_text(token);
}

Result<std::vector<ports::TokenEntry>> ClusterEnrollment::tokens() {
    FLOCKER_TRY(const auto kept, tokens_.list());
    std::vector<ports::TokenEntry> entries;
    for (const sqlite::JoinToken& token : kept) {
        entries.push_back({token.id, token.created, token.expires, token.used_by, false});
    }
    return entries;
}

Status ClusterEnrollment::revoke_token(const std::string& id) { return tokens_.revoke(id); }

Result<ports::JoinAnswer> ClusterEnrollment::enroll(const ports::JoinRequest& request) {
    FLOCKER_TRY(const tls::JoinToken token, tls::parse_token(request.token));
    const std::string digest = tls::secret_digest(token.secret);
    ports::JoinAnswer answer;
    answer.node = request.node;
    answer.node.id = model::NodeId{new_uuid()};
    answer.authority = authority_.certificate;
    const tls::Terms terms = tls::terms_for_node(answer.node.id.value, answer.node.address);
    // Signed first: a request that can't be signed does not cost the token.
    FLOCKER_TRY(answer.certificate, tls::sign(authority_, request.request, terms, clock_()));
    FLOCKER_TRY(const auto used, tokens_.redeem(id_of(digest), digest, request.node.name, clock_()));
    static_cast<void>(used);
    return answer;
}

}  // namespace flocker::setup
