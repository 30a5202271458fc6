// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <utility>

namespace flocker::driver {

/// Wraps callbacks so that they do nothing once their owner is gone: outcomes may come back at any
/// time, also after a driver has been stopped.
class Alive {
public:
    template <class Callback>
    [[nodiscard]] auto guard(Callback callback) const {
        return [token = std::weak_ptr<int>(token_), callback = std::move(callback)](auto&&... arguments) mutable {
            if (!token.expired()) callback(std::forward<decltype(arguments)>(arguments)...);
        };
    }

private:
    std::shared_ptr<int> token_ = std::make_shared<int>(0);
};

}  // namespace flocker::driver
