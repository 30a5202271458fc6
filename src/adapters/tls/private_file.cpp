// SPDX-License-Identifier: Apache-2.0
#include "adapters/tls/private_file.hpp"

#include "adapters/posix/files.hpp"

namespace flocker::tls {

Status write_private(const std::string& path, std::string_view text) {
    return posix::write_file_atomically(path, text, 0600);
}

}  // namespace flocker::tls
