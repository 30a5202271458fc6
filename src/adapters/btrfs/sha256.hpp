// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

struct evp_md_ctx_st;

namespace flocker::btrfs {

/// SHA-256 of what is added, at any time.
class Sha256 {
public:
    using Sum = std::array<std::byte, 32>;

    Sha256();
    void add(std::span<const std::byte> bytes);
    void add(std::string_view text) { add(std::as_bytes(std::span(text))); }
    /// Of all so far; more may be added.
    [[nodiscard]] Sum sum() const;

private:
    struct Free {
        void operator()(evp_md_ctx_st* context) const;
    };
    std::unique_ptr<evp_md_ctx_st, Free> context_;
};

[[nodiscard]] Sha256::Sum sha256(std::span<const std::byte> bytes);
[[nodiscard]] std::string hex(const Sha256::Sum& sum);

}  // namespace flocker::btrfs
