// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "adapters/btrfs/stream_command.hpp"
#include "adapters/posix/fd.hpp"
#include "base/result.hpp"

namespace flocker::btrfs::stream {

/// Where CLONE may take content from, besides the subvolume itself.
struct CloneSource {
    Uuid uuid;                ///< As streams name it.
    const posix::Fd& folder;  ///< The base snapshot.
};

/// Of the subvolume itself.
struct RootTimes {
    Time accessed;
    Time modified;
    friend bool operator==(const RootTimes&, const RootTimes&) = default;
};

/// Does what the commands say to a subvolume that nobody else sees. Whatever they say, nothing outside
/// it is written, opened or followed to: each path is resolved beneath it and through no symlink, and
/// only regular files are opened.
class Applier {
public:
    /// `root`: the subvolume, of which the stream says that its uuid is `own`. Both outlive this.
    Applier(const posix::Fd& root, const Uuid& own, std::optional<CloneSource> base);

    /// Begin, BeginFrom, Extent and End are not for here: corrupt.
    /// Errors: corrupt (it does not fit what is there), unavailable (no room, disk).
    [[nodiscard]] Status apply(const Command& command);
    /// After the last command.
    [[nodiscard]] Status finish();

    /// The subvolume's own times as the commands so far want them; nullopt: as they are.
    [[nodiscard]] const std::optional<RootTimes>& root_times() const { return root_times_; }
    /// Goes on where another applier stopped, which had these.
    void set_root_times(const std::optional<RootTimes>& times) { root_times_ = times; }

private:
    /// A path's parent folder, open, and its last component. An empty name: the subvolume itself.
    struct Place {
        posix::Fd opened;  ///< None: it is the root.
        int folder{-1};
        std::string name;
    };

    [[nodiscard]] Result<Place> locate(Path path) const;
    [[nodiscard]] Result<posix::Fd> open_file(const posix::Fd& root, Path path, int flags) const;
    /// The file for writing, which stays open for the commands that follow.
    [[nodiscard]] Result<int> file_to_write(Path path);
    [[nodiscard]] Status make_node(Path path, std::uint32_t type_and_mode, std::uint64_t device);

    [[nodiscard]] Status run(const Begin&);
    [[nodiscard]] Status run(const BeginFrom&);
    [[nodiscard]] Status run(const MakeFile& command);
    [[nodiscard]] Status run(const MakeFolder& command);
    [[nodiscard]] Status run(const MakeDevice& command);
    [[nodiscard]] Status run(const MakeFifo& command);
    [[nodiscard]] Status run(const MakeSocket& command);
    [[nodiscard]] Status run(const MakeSymlink& command);
    [[nodiscard]] Status run(const Rename& command);
    [[nodiscard]] Status run(const Link& command);
    [[nodiscard]] Status run(const Unlink& command);
    [[nodiscard]] Status run(const RemoveFolder& command);
    [[nodiscard]] Status run(const SetAttribute& command);
    [[nodiscard]] Status run(const RemoveAttribute& command);
    [[nodiscard]] Status run(const Write& command);
    [[nodiscard]] Status run(const Clone& command);
    [[nodiscard]] Status run(const Truncate& command);
    [[nodiscard]] Status run(const SetMode& command);
    [[nodiscard]] Status run(const SetOwner& command);
    [[nodiscard]] Status run(const SetTimes& command);
    [[nodiscard]] Status run(const Extent&);
    [[nodiscard]] Status run(const End&);

    const posix::Fd& root_;
    const Uuid own_;
    const std::optional<CloneSource> base_;
    posix::Fd open_file_;
    std::string open_path_;
    /// Of the subvolume itself: its base's, then what the stream says.
    std::optional<RootTimes> root_times_;
};

}  // namespace flocker::btrfs::stream
