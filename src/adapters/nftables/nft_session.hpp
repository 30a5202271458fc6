// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "base/result.hpp"

struct nft_ctx;

namespace flocker::nftables {

/// libnftables, fed with text. One thread at a time; in the network namespace of the thread that calls.
class NftSession {
public:
    [[nodiscard]] static Result<NftSession> open();
    /// Runs commands as one transaction: all or nothing. What they print.
    /// Errors: unavailable, with the first line of nft's complaint.
    [[nodiscard]] Result<std::string> run(const std::string& commands);

private:
    struct Free {
        void operator()(nft_ctx* context) const;
    };
    explicit NftSession(nft_ctx* context) : context_(context) {}
    std::unique_ptr<nft_ctx, Free> context_;
};

}  // namespace flocker::nftables
