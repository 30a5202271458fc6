// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <mutex>
#include <string>

#include "adapters/posix/worker_threads.hpp"
#include "ports/assignment_cache.hpp"

namespace flocker::posix {

/// The assignment as a JSON file that only its owner can read: it holds environment variables.
///
/// Threads:   call on the loop thread; no call blocks it.
/// Repeating: of two saves under way at once the later one stays, in whatever order they end.
/// Crashing:  the file holds the old assignment or the new one, whole.
/// Owns:      its threads; the destructor waits for what is under way.
/// Errors:    load: corrupt (says what to do), unavailable. save: as write_file_atomically().
class FileAssignmentCache final : public ports::AssignmentCache {
public:
    /// The folder of `path` exists; `loop` outlives this.
    FileAssignmentCache(std::string path, ports::Loop& loop) : path_(std::move(path)), workers_(loop) {}

    void load(Done<std::optional<model::Assignment>> done) override;
    void save(const model::Assignment& assignment, Done<void> done) override;

private:
    [[nodiscard]] Result<std::optional<model::Assignment>> load_now();
    [[nodiscard]] Status save_now(const model::Assignment& assignment, std::uint64_t number);

    const std::string path_;
    std::uint64_t saves_begun_{0};  ///< Loop thread only.
    std::mutex file_;               ///< One worker at a time at the file, and:
    std::uint64_t newest_saved_{0};
    WorkerThreads workers_;  ///< Last, so that it goes first: its jobs use what is above.
};

}  // namespace flocker::posix
