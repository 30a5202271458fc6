// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model/ids.hpp"

namespace flocker::manifest {

/// The dataset of a volume without a dataset_id: the UUID whose 16 bytes are the MD5 of the
/// application's name, as in the first Flocker, so that its data is found again. No version bits.
[[nodiscard]] model::DatasetId default_dataset_id(const model::ApplicationName& name);

}  // namespace flocker::manifest
