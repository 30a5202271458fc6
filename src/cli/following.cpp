// SPDX-License-Identifier: Apache-2.0
#include "cli/following.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <deque>

#include "cli/live_text.hpp"
#include "cli/progress.hpp"

namespace flocker::cli {
namespace {

constexpr Duration look_interval = 200ms;
/// What a rate is measured over.
constexpr Duration rate_window = 3s;
/// A control service that is started anew, or moved, is back by then.
constexpr Duration silence_of_control_max = 60s;

class Following {
public:
    Following(const Session& session, const api::Client& client, const api::PlanDocument& plan,
              const api::StatusDocument& before, const std::string& goes_on)
        : session_(session), client_(client), goes_on_(goes_on), watch_(plan, before), live_(session.out()) {}

    Followed run(Duration timeout) {
        const World& world = session_.world();
        world.farewell(fmt::format("\n{}\n", goes_on_));
        const Instant began = world.now();
        const Instant deadline = began + timeout;
        heard_ = began;
        Followed followed;
        for (;;) {
            followed.trouble = look();
            if (followed.trouble || watch_.over()) break;
            if (world.now() >= deadline) {
                followed.trouble =
                    Error{ErrorCode::timed_out, fmt::format("not there after {}; {}", to_text(timeout), goes_on_)};
                break;
            }
            world.rest(look_interval);
        }
        world.farewell("");
        if (!session_.json()) live_.clear();
        followed.took = world.now() - began;
        followed.outcomes = watch_.outcomes();
        followed.settled = !followed.trouble && !watch_.failed();
        return followed;
    }

private:
    struct Seen {
        Instant at;
        api::StatusDocument status;
    };

    std::optional<Error> look() {
        const Instant now = session_.world().now();
        auto status = client_.status();
        if (!status) {
            if (status.error().code == ErrorCode::denied || status.error().code == ErrorCode::corrupt)
                return status.error();
            if (now - heard_ < silence_of_control_max) return std::nullopt;
            return Error{ErrorCode::unavailable, fmt::format("the control service does not answer any more ({}); {}",
                                                             status.error().message, goes_on_)};
        }
        heard_ = now;
        watch_.see(*status);
        while (seen_.size() > 1 && now - seen_[1].at >= rate_window) seen_.pop_front();
        draw(*status, now);
        seen_.push_back({now, *std::move(status)});
        return std::nullopt;
    }

    void draw(const api::StatusDocument& status, Instant now) {
        if (session_.json()) return;
        const api::StatusDocument* before = seen_.empty() ? nullptr : &seen_.front().status;
        const auto outcomes = watch_.outcomes();
        if (session_.world().out_is_terminal) {
            Look look = session_.look();
            look.width = std::max(session_.world().width, 2U) - 1;
            return live_.show(progress_lines(outcomes, status, before, look));
        }
        for (const std::string& line : plain_.lines(outcomes, status, before, now)) session_.out() << line << std::endl;
    }

    const Session& session_;
    const api::Client& client_;
    const std::string& goes_on_;
    Watch watch_;
    LiveText live_;
    PlainProgress plain_;
    std::deque<Seen> seen_;
    Instant heard_;
};

}  // namespace

Followed follow(const Session& session, const api::Client& client, const api::PlanDocument& plan,
                const api::StatusDocument& before, Duration timeout, const std::string& goes_on) {
    return Following(session, client, plan, before, goes_on).run(timeout);
}

}  // namespace flocker::cli
