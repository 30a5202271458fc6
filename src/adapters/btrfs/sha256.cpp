// SPDX-License-Identifier: Apache-2.0
#include "adapters/btrfs/sha256.hpp"

#include <openssl/evp.h>

#include "base/check.hpp"

namespace flocker::btrfs {
namespace {

Sha256::Sum end_of(EVP_MD_CTX* context) {
    Sha256::Sum sum{};
    unsigned size = 0;
    FLOCKER_CHECK(EVP_DigestFinal_ex(context, reinterpret_cast<unsigned char*>(sum.data()), &size) == 1);
    FLOCKER_CHECK(size == sum.size());
    return sum;
}

}  // namespace

void Sha256::Free::operator()(evp_md_ctx_st* context) const {
    EVP_MD_CTX_free(context);
}

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
    FLOCKER_CHECK(context_ && EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) == 1);
}

void Sha256::add(std::span<const std::byte> bytes) {
    FLOCKER_CHECK(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1);
}

Sha256::Sum Sha256::sum() const {
    const std::unique_ptr<EVP_MD_CTX, Free> copy(EVP_MD_CTX_new());
    FLOCKER_CHECK(copy && EVP_MD_CTX_copy_ex(copy.get(), context_.get()) == 1);
    return end_of(copy.get());
}

Sha256::Sum sha256(std::span<const std::byte> bytes) {
    Sha256 whole;
    whole.add(bytes);
    return whole.sum();
}

std::string hex(const Sha256::Sum& sum) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (const std::byte byte : sum) {
        text += digits[std::to_integer<unsigned>(byte) >> 4U];
        text += digits[std::to_integer<unsigned>(byte) & 15U];
    }
    return text;
}

}  // namespace flocker::btrfs
