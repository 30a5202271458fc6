// SPDX-License-Identifier: Apache-2.0
#include "adapters/posix/assignment_file.hpp"

#include <utility>

#include "adapters/posix/files.hpp"
#include "codec/json.hpp"

namespace flocker::posix {

void FileAssignmentCache::load(Done<std::optional<model::Assignment>> done) {
    workers_.run<std::optional<model::Assignment>>([this] { return load_now(); }, std::move(done));
}

void FileAssignmentCache::save(const model::Assignment& assignment, Done<void> done) {
    workers_.run<void>([this, assignment, number = ++saves_begun_] { return save_now(assignment, number); },
                       std::move(done));
}

Result<std::optional<model::Assignment>> FileAssignmentCache::load_now() {
    const std::lock_guard lock(file_);
    const auto text = read_file(path_, codec::text_max);
    if (!text && text.error().code == ErrorCode::not_found) return std::nullopt;
    if (!text) return tl::unexpected(text.error());
    auto assignment = codec::decode<model::Assignment>(*text);
    if (!assignment) {
        return fail(ErrorCode::corrupt, "the last assignment, " + path_ + ", is damaged (" +
                                            assignment.error().message +
                                            "): remove it, the control service sends it anew");
    }
    return *std::move(assignment);
}

Status FileAssignmentCache::save_now(const model::Assignment& assignment, std::uint64_t number) {
    const std::string text = codec::encode(assignment);
    const std::lock_guard lock(file_);
    // A later one is there already.
    if (number < newest_saved_) return {};
    FLOCKER_CHECK_OK(write_file_atomically(path_, text, 0600));
    newest_saved_ = number;
    return {};
}

}  // namespace flocker::posix
