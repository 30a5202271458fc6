// SPDX-License-Identifier: Apache-2.0
#include "api/version.hpp"

namespace flocker::api {

std::string version() {
    return FLOCKER_VERSION;
}

}  // namespace flocker::api
