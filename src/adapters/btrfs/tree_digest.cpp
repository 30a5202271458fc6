// SPDX-License-Identifier: Apache-2.0
#include "adapters/btrfs/tree_digest.hpp"

#include <fcntl.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <string_view>
#include <vector>

#include "adapters/btrfs/os_error.hpp"
#include "adapters/btrfs/sha256.hpp"
#include "adapters/btrfs/tree_walk.hpp"

namespace flocker::btrfs {
namespace {

/// A file's content is the sequence of its blocks' sums, so that a hole costs nothing.
constexpr std::size_t block_bytes = std::size_t{1} << 20U;
/// So much content stays in the page cache at most.
constexpr off_t cached_bytes = off_t{8} << 20U;

/// What is known of one entry, in a form that is equal only for equal ones.
class Record {
public:
    void add(std::uint64_t number) {
        for (unsigned shift = 0; shift < 64; shift += 8) bytes_ += static_cast<char>((number >> shift) & 0xffU);
    }
    void add(std::string_view text) {
        add(std::uint64_t{text.size()});
        bytes_ += text;
    }
    void add(const Sha256::Sum& sum) { bytes_.append(reinterpret_cast<const char*>(sum.data()), sum.size()); }
    [[nodiscard]] Sha256::Sum sum() const { return sha256(std::as_bytes(std::span(bytes_))); }

private:
    std::string bytes_;
};

/// A call that fills a buffer of a size that it tells itself, like listxattr().
template <class Call>
Result<std::string> filled(const Call& call, const std::string& what) {
    std::string buffer(4096, '\0');
    for (;;) {
        const ssize_t size = call(buffer.data(), buffer.size());
        if (size >= 0) {
            buffer.resize(static_cast<std::size_t>(size));
            return buffer;
        }
        if (errno == ENOTSUP || errno == ENODATA) return std::string();
        if (errno != ERANGE || buffer.size() > XATTR_SIZE_MAX * 2) return fail_os(errno, what);
        buffer.resize(buffer.size() * 4);
    }
}

Status add_attributes(const TreeEntry& entry, Record& record) {
    // The way to it through its folder's descriptor works for links and devices too, and opens nothing.
    const std::string place = "/proc/self/fd/" + std::to_string(entry.folder.get()) + "/" + entry.name;
    const std::string what = "read the attributes of " + shown_path(entry.path);
    FLOCKER_TRY(const std::string list,
                filled([&](char* to, std::size_t size) { return ::llistxattr(place.c_str(), to, size); }, what));
    std::vector<std::string> names;
    for (std::size_t at = 0; at < list.size(); at += names.back().size() + 1) names.emplace_back(list.c_str() + at);
    std::sort(names.begin(), names.end());
    record.add(std::uint64_t{names.size()});
    for (const std::string& name : names) {
        const auto get = [&](char* to, std::size_t size) { return ::lgetxattr(place.c_str(), name.c_str(), to, size); };
        FLOCKER_TRY(const std::string value, filled(get, what));
        record.add(name);
        record.add(value);
    }
    return {};
}

class Digester {
public:
    Digester(const std::optional<ports::DigestRange>& only, ports::DigestProgress progress,
             const ports::DigestListener& listener)
        : only_(only), progress_(progress), listener_(listener), block_(block_bytes), zeros_(sha256(block_)) {}

    [[nodiscard]] Result<ports::TreeDigest> run(const posix::Fd& root) {
        FLOCKER_CHECK_OK(walk_tree(root, [this](const TreeEntry& entry) { return see(entry); }));
        return ports::TreeDigest{hex(all_.sum()), progress_.entries, progress_.bytes};
    }

private:
    [[nodiscard]] Status see(const TreeEntry& entry) {
        const std::uint64_t number = progress_.entries++;
        const std::uint64_t first = first_name_of(entry.seen, number);
        const bool wanted = !only_ || (number >= only_->first && number - only_->first < only_->count);
        if (wanted) FLOCKER_CHECK_OK(add(entry, number, first));
        return listener_(progress_);
    }

    [[nodiscard]] Status add(const TreeEntry& entry, std::uint64_t number, std::uint64_t first) {
        const bool is_file = S_ISREG(entry.seen.st_mode) && first == number;
        const Bytes size{is_file ? static_cast<std::uint64_t>(entry.seen.st_size) : 0};
        if (size >= mark_every_bytes && number > 0) FLOCKER_CHECK_OK(mark_last());
        FLOCKER_TRY(const Sha256::Sum sum, sum_of(entry, number, first));
        all_.add(sum);
        if (only_) return listener_(ports::DigestMark{number, shown_path(entry.path), hex(sum)});
        last_ = {number, entry.path, {}};
        ++unmarked_entries_;
        unmarked_bytes_ += size;
        const bool due = unmarked_entries_ >= mark_every_entries || unmarked_bytes_ >= mark_every_bytes;
        return due ? mark_last() : Status{};
    }

    [[nodiscard]] Status mark_last() {
        if (only_ || unmarked_entries_ == 0) return {};
        unmarked_entries_ = 0;
        unmarked_bytes_ = {};
        return listener_(ports::DigestMark{last_.entry, shown_path(last_.path), hex(all_.sum())});
    }

    [[nodiscard]] Result<Sha256::Sum> sum_of(const TreeEntry& entry, std::uint64_t number, std::uint64_t first) {
        const struct stat& seen = entry.seen;
        Record record;
        record.add(entry.path);
        record.add(std::uint64_t{seen.st_mode});
        record.add(std::uint64_t{seen.st_uid});
        record.add(std::uint64_t{seen.st_gid});
        record.add(static_cast<std::uint64_t>(seen.st_mtim.tv_sec));
        record.add(static_cast<std::uint64_t>(seen.st_mtim.tv_nsec));
        FLOCKER_CHECK_OK(add_attributes(entry, record));
        // Another name of a file that was seen: which one says all the rest.
        record.add(number - first);
        if (first != number) return record.sum();
        if (S_ISCHR(seen.st_mode) || S_ISBLK(seen.st_mode)) {
            record.add(std::uint64_t{major(seen.st_rdev)});
            record.add(std::uint64_t{minor(seen.st_rdev)});
        }
        if (S_ISLNK(seen.st_mode)) {
            std::string target(static_cast<std::size_t>(seen.st_size) + 1, '\0');
            const ssize_t size = ::readlinkat(entry.folder.get(), entry.name.c_str(), target.data(), target.size());
            if (size < 0) return fail_os(errno, "read the link " + shown_path(entry.path));
            record.add(std::string_view(target).substr(0, static_cast<std::size_t>(size)));
        }
        if (S_ISREG(seen.st_mode)) {
            record.add(static_cast<std::uint64_t>(seen.st_size));
            FLOCKER_TRY(const Sha256::Sum content, content_of(entry));
            record.add(content);
        }
        return record.sum();
    }

    [[nodiscard]] Result<Sha256::Sum> content_of(const TreeEntry& entry) {
        const std::string what = "read " + shown_path(entry.path);
        const posix::Fd file(
            ::openat(entry.folder.get(), entry.name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
        if (!file) return fail_os(errno, what);
        const off_t size = entry.seen.st_size;
        if (size > cached_bytes) ::posix_fadvise(file.get(), 0, 0, POSIX_FADV_SEQUENTIAL);
        Sha256 content;
        off_t data = 0;      ///< From here on it may be data,
        off_t data_end = 0;  ///< and up to here there is some.
        off_t dropped = 0;
        for (off_t at = 0; at < size; at += static_cast<off_t>(block_bytes)) {
            const off_t end = std::min(at + static_cast<off_t>(block_bytes), size);
            if (at >= data_end && end > data) FLOCKER_CHECK_OK(find_data(file, at, size, data, data_end, what));
            const std::span<std::byte> block(block_.data(), static_cast<std::size_t>(end - at));
            if (end <= data && block.size() == block_bytes) {
                content.add(zeros_);
                continue;
            }
            FLOCKER_CHECK_OK(read_all(file, at, block, what));
            progress_.bytes += Bytes{block.size()};
            content.add(sha256(block));
            if (end - dropped >= cached_bytes) {
                ::posix_fadvise(file.get(), dropped, end - dropped, POSIX_FADV_DONTNEED);
                dropped = end;
            }
            FLOCKER_CHECK_OK(listener_(progress_));
        }
        ::posix_fadvise(file.get(), 0, 0, POSIX_FADV_DONTNEED);
        return content.sum();
    }

    [[nodiscard]] static Status find_data(const posix::Fd& file, off_t at, off_t size, off_t& data, off_t& data_end,
                                          const std::string& what) {
        data = ::lseek(file.get(), at, SEEK_DATA);
        if (data < 0 && errno != ENXIO) return fail_os(errno, what);
        if (data < 0) {
            data = data_end = size;
            return {};
        }
        data_end = ::lseek(file.get(), data, SEEK_HOLE);
        if (data_end < 0) return fail_os(errno, what);
        return {};
    }

    [[nodiscard]] static Status read_all(const posix::Fd& file, off_t at, std::span<std::byte> block,
                                         const std::string& what) {
        while (!block.empty()) {
            const ssize_t got = ::pread(file.get(), block.data(), block.size(), at);
            if (got < 0 && errno == EINTR) continue;
            if (got < 0) return fail_os(errno, what);
            if (got == 0) return fail(ErrorCode::corrupt, what + ": it is shorter than its size");
            block = block.subspan(static_cast<std::size_t>(got));
            at += got;
        }
        return {};
    }

    /// The number of the entry at which this file was seen first.
    [[nodiscard]] std::uint64_t first_name_of(const struct stat& seen, std::uint64_t number) {
        if (S_ISDIR(seen.st_mode) || seen.st_nlink < 2) return number;
        return linked_.emplace(seen.st_ino, number).first->second;
    }

    std::optional<ports::DigestRange> only_;
    ports::DigestProgress progress_;
    const ports::DigestListener& listener_;
    std::vector<std::byte> block_;
    const Sha256::Sum zeros_;  ///< Of a whole block.
    Sha256 all_;
    ports::DigestMark last_;
    std::uint64_t unmarked_entries_{0};
    Bytes unmarked_bytes_;
    std::map<ino_t, std::uint64_t> linked_;
};

}  // namespace

Result<ports::TreeDigest> digest_tree(const posix::Fd& root, const std::optional<ports::DigestRange>& only,
                                      ports::DigestProgress expected, const ports::DigestListener& listener) {
    return Digester(only, expected, listener).run(root);
}

}  // namespace flocker::btrfs
