// SPDX-License-Identifier: Apache-2.0
#include "protocol/image_supply.hpp"

#include <algorithm>

namespace flocker::protocol {
namespace {

constexpr Duration rest_min = 500ms;
constexpr Duration rest_max = 30s;

}  // namespace

std::optional<ImageSupply::Effect> ImageSupply::next(const std::vector<model::NodeId>& others, Instant now) {
    if (trying_ || (rest_until_ && now < *rest_until_)) return std::nullopt;
    rest_until_.reset();
    if (!left_) {
        left_ = others;
        fetch_trouble_.clear();
    }
    trying_ = true;
    pulling_ = left_->empty();
    if (pulling_) return Pull{image_};
    Fetch fetch{image_, left_->back()};
    left_->pop_back();
    return fetch;
}

void ImageSupply::tried(const Status& outcome, Instant now) {
    trying_ = false;
    if (outcome) {
        left_.reset();
        trouble_.reset();
        rounds_ = 0;
        return;
    }
    if (!pulling_) {
        if (outcome.error().code != ErrorCode::not_found) fetch_trouble_ = outcome.error().message;
        return;
    }
    left_.reset();
    ++rounds_;
    trouble_ = outcome.error();
    if (!fetch_trouble_.empty()) trouble_->message = fetch_trouble_ + "; and " + trouble_->message;
    rest_until_ = now + std::min(rest_min * (std::int64_t{1} << std::min(rounds_ - 1, 10U)), rest_max);
}

}  // namespace flocker::protocol
