// SPDX-License-Identifier: Apache-2.0
#include "adapters/nftables/nft_session.hpp"

#include <nftables/libnftables.h>

namespace flocker::nftables {

void NftSession::Free::operator()(nft_ctx* context) const {
    nft_ctx_free(context);
}

Result<NftSession> NftSession::open() {
    NftSession session(nft_ctx_new(NFT_CTX_DEFAULT));
    if (!session.context_) return fail(ErrorCode::unavailable, "libnftables can't be started");
    nft_ctx_output_set_flags(session.context_.get(), NFT_CTX_OUTPUT_NUMERIC_ALL | NFT_CTX_OUTPUT_STATELESS);
    if (nft_ctx_buffer_output(session.context_.get()) != 0 || nft_ctx_buffer_error(session.context_.get()) != 0) {
        return fail(ErrorCode::unavailable, "libnftables has no room for its output");
    }
    return session;
}

Result<std::string> NftSession::run(const std::string& commands) {
    const int outcome = nft_run_cmd_from_buffer(context_.get(), commands.c_str());
    // Reading a buffer also empties it, so both are read whatever the outcome.
    std::string output = nft_ctx_get_output_buffer(context_.get());
    std::string complaint = nft_ctx_get_error_buffer(context_.get());
    if (outcome == 0) return output;
    return fail(ErrorCode::unavailable, "nft: " + complaint.substr(0, complaint.find('\n')));
}

}  // namespace flocker::nftables
