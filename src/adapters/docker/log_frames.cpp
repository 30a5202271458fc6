// SPDX-License-Identifier: Apache-2.0
#include "adapters/docker/log_frames.hpp"

#include <algorithm>

namespace flocker::docker {

Status LogFrames::take(std::span<const std::byte> bytes, const ports::Sink& sink) {
    while (!bytes.empty()) {
        if (left_ == 0) {
            const std::size_t size = std::min(bytes.size(), head_.size() - head_size_);
            std::copy_n(bytes.begin(), size, head_.begin() + static_cast<std::ptrdiff_t>(head_size_));
            head_size_ += size;
            bytes = bytes.subspan(size);
            if (head_size_ < head_.size()) return {};
            head_size_ = 0;
            if (std::to_integer<int>(head_[0]) > 2 || head_[1] != std::byte{0}) {
                return fail(ErrorCode::corrupt, "docker's log stream has a frame of an unknown kind");
            }
            for (std::size_t i = 4; i < head_.size(); ++i)
                left_ = (left_ << 8U) | std::to_integer<std::size_t>(head_[i]);
            continue;
        }
        const std::size_t size = std::min(bytes.size(), left_);
        FLOCKER_CHECK_OK(sink(bytes.first(size)));
        left_ -= size;
        bytes = bytes.subspan(size);
    }
    return {};
}

}  // namespace flocker::docker
