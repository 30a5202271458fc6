// SPDX-License-Identifier: Apache-2.0
#include "adapters/btrfs/os_error.hpp"

#include <cerrno>

#include "adapters/posix/error_text.hpp"

namespace flocker::btrfs {
namespace {

ErrorCode code_of(int error_number) {
    switch (error_number) {
        case ENOENT: return ErrorCode::not_found;
        case EEXIST: return ErrorCode::already_exists;
        case EBUSY: return ErrorCode::conflict;
        default: return ErrorCode::unavailable;
    }
}

}  // namespace

tl::unexpected<Error> fail_os(int error_number, const std::string& what) {
    return fail(code_of(error_number), "cannot " + what + ": " + posix::reason_of(error_number));
}

}  // namespace flocker::btrfs
