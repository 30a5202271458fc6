// SPDX-License-Identifier: Apache-2.0
#include "manifest/dataset_id.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>

#include "base/check.hpp"

namespace flocker::manifest {

model::DatasetId default_dataset_id(const model::ApplicationName& name) {
    std::array<unsigned char, 16> digest{};
    unsigned size = 0;
    const int done = EVP_Digest(name.value.data(), name.value.size(), digest.data(), &size, EVP_md5(), nullptr);
    FLOCKER_CHECK(done == 1 && size == digest.size());
    std::string text;
    for (std::size_t i = 0; i < digest.size(); ++i) {
        if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
        text += fmt::format("{:02x}", digest[i]);
    }
    return model::DatasetId{text};
}

}  // namespace flocker::manifest
