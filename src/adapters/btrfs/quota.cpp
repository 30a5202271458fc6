// SPDX-License-Identifier: Apache-2.0
#include "adapters/btrfs/quota.hpp"

#include <linux/btrfs.h>
#include <sys/ioctl.h>

#include <cerrno>
#include <fstream>
#include <string>

#include "adapters/btrfs/os_error.hpp"

namespace flocker::btrfs {
namespace {

/// Of kernels since 6.7; older headers do not have it.
constexpr __u64 quota_ctl_enable_simple = 4;

std::string uuid_text(const __u8* uuid) {
    static constexpr char digits[] = "0123456789abcdef";
    std::string text;
    for (int i = 0; i < BTRFS_FSID_SIZE; ++i) {
        if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
        text += digits[uuid[i] >> 4U];
        text += digits[uuid[i] & 0xFU];
    }
    return text;
}

}  // namespace

Result<QuotaFiles> QuotaFiles::of(const posix::Fd& pool) {
    btrfs_ioctl_fs_info_args info{};
    if (::ioctl(pool.get(), BTRFS_IOC_FS_INFO, &info) < 0) return fail_os(errno, "ask for the pool's UUID");
    return QuotaFiles("/sys/fs/btrfs/" + uuid_text(info.fsid) + "/qgroups/");
}

Quotas QuotaFiles::mode() const {
    std::ifstream enabled(folder_ + "enabled");
    int on = 0;
    if (!(enabled >> on) || on == 0) return Quotas::off;
    std::ifstream mode(folder_ + "mode");
    std::string name;
    // Kernels that do not say know one kind only.
    return mode >> name && name == "squota" ? Quotas::simple : Quotas::full;
}

Result<std::uint64_t> QuotaFiles::number_of(std::uint64_t subvolume, const char* file) const {
    std::ifstream content(folder_ + "0_" + std::to_string(subvolume) + "/" + file);
    std::uint64_t number = 0;
    if (content >> number) return number;
    return fail(ErrorCode::not_found, "the kernel does not say what subvolume " + std::to_string(subvolume) + " takes");
}

Result<Bytes> QuotaFiles::charged_on_disk(std::uint64_t subvolume) const {
    FLOCKER_TRY(const std::uint64_t charged, number_of(subvolume, "referenced"));
    return Bytes{charged};
}

Result<Bytes> QuotaFiles::charged(std::uint64_t subvolume) const {
    FLOCKER_TRY(const Bytes on_disk, charged_on_disk(subvolume));
    FLOCKER_TRY(const std::uint64_t coming, number_of(subvolume, "rsv_data"));
    return on_disk + Bytes{coming};
}

Status enable_simple_quotas(const posix::Fd& pool) {
    btrfs_ioctl_quota_ctl_args args{};
    args.cmd = quota_ctl_enable_simple;
    if (::ioctl(pool.get(), BTRFS_IOC_QUOTA_CTL, &args) == 0) return {};
    if (errno == EINVAL || errno == ENOTTY || errno == EOPNOTSUPP) {
        return fail(ErrorCode::unavailable,
                    "this kernel has no simple quotas, Linux 6.7 and later have; `btrfs quota enable` on the pool does "
                    "as well, and makes its snapshots dear");
    }
    return fail_os(errno, "turn quotas on");
}

Status limit_charge(const posix::Fd& pool, std::uint64_t subvolume, std::optional<Bytes> most) {
    btrfs_ioctl_qgroup_limit_args args{};
    args.qgroupid = subvolume;
    args.lim.flags = BTRFS_QGROUP_LIMIT_MAX_RFER;
    args.lim.max_rfer = most ? most->value : UINT64_MAX;  // The latter takes it away.
    if (::ioctl(pool.get(), BTRFS_IOC_QGROUP_LIMIT, &args) < 0)
        return fail_os(errno, "limit subvolume " + std::to_string(subvolume));
    return {};
}

}  // namespace flocker::btrfs
