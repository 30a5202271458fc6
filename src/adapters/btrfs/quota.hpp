// SPDX-License-Identifier: Apache-2.0
//
// The kernel's quotas of a pool, by subvolume.
//
// Simple quotas cost next to nothing, and charge a subvolume with what was written to it and is still on the disk
// anywhere, in a snapshot of it too. What it had from a snapshot that it was made from is not charged. Full
// quotas charge it with what is in it, and make every snapshot of the pool dear.
#pragma once

#include <cstdint>
#include <optional>

#include "adapters/posix/fd.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"

namespace flocker::btrfs {

enum class Quotas : std::uint8_t { off, simple, full };

/// A pool's quotas, by its UUID, which the files of the kernel go by.
class QuotaFiles {
public:
    [[nodiscard]] static Result<QuotaFiles> of(const posix::Fd& pool);
    [[nodiscard]] Quotas mode() const;
    /// With what is about to be written. Errors: not_found (there is no such subvolume, or quotas are off).
    [[nodiscard]] Result<Bytes> charged(std::uint64_t subvolume) const;
    /// Without it.
    [[nodiscard]] Result<Bytes> charged_on_disk(std::uint64_t subvolume) const;

private:
    explicit QuotaFiles(std::string folder) : folder_(std::move(folder)) {}
    [[nodiscard]] Result<std::uint64_t> number_of(std::uint64_t subvolume, const char* file) const;

    std::string folder_;
};

/// Turns simple quotas on. What is on the pool already is charged to nobody. From then on only kernels that have
/// them mount the pool. unavailable: this kernel has none.
[[nodiscard]] Status enable_simple_quotas(const posix::Fd& pool);
/// Whoever writes to the subvolume beyond that charge gets EDQUOT. nullopt: nobody does.
[[nodiscard]] Status limit_charge(const posix::Fd& pool, std::uint64_t subvolume, std::optional<Bytes> most);

}  // namespace flocker::btrfs
