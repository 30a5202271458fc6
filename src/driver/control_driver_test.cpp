// SPDX-License-Identifier: Apache-2.0
#include "driver/control_driver.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

namespace flocker::driver {
namespace {

using ::testing::ElementsAre;

/// Time goes on when it is told to.
class SteppedLoop final : public ports::Loop {
public:
    Instant now() const override { return now_; }
    void post(std::function<void()> work) override { after(Duration{0}, std::move(work)); }
    void after(Duration delay, std::function<void()> work) override { work_.emplace(now_ + delay, std::move(work)); }
    void go_on(Duration by) {
        const Instant end = now_ + by;
        while (!work_.empty() && work_.begin()->first <= end) {
            auto next = work_.extract(work_.begin());
            now_ = std::max(now_, next.key());
            next.mapped()();
        }
        now_ = end;
    }

private:
    Instant now_{1'760'000'000'000'000'000};
    std::multimap<Instant, std::function<void()>> work_;
};

class FaultyStore final : public ports::StateStore {
public:
    explicit FaultyStore(ports::Loop& loop) : loop_(loop) {}
    void load(Done<model::Records> done) override {
        ++loads;
        loop_.post([this, done] { read_fault ? done(tl::unexpected(*read_fault)) : done(model::Records{}); });
    }
    void commit(model::Revision expected, const std::vector<model::Change>&, Done<model::Revision> done) override {
        loop_.post([this, expected, done] {
            write_fault ? done(tl::unexpected(*write_fault)) : done(model::Revision{expected.value + 1});
        });
    }
    void events(std::uint64_t, std::uint32_t, Done<std::vector<model::Event>> done) override { done({}); }

    std::optional<Error> read_fault;
    std::optional<Error> write_fault;
    int loads{0};

private:
    ports::Loop& loop_;
};

class NoSessions final : public ports::AgentSessions {
public:
    void publish(const model::Assignment&) override {}
};
class NoImages final : public ports::ImageCatalog {
public:
    void find(const std::string&, Done<void> done) override { done({}); }
};

class WithAFaultyStore : public ::testing::Test {
protected:
    /// Something that has to be committed.
    void ask() {
        driver_.ask(protocol::Control::Note{model::EventKind::deployed, "db", "x"}, [](const auto&) {});
    }

    SteppedLoop loop_;
    FaultyStore store_{loop_};
    NoSessions sessions_;
    NoImages images_;
    std::vector<std::string> alarms_;
    ControlDriver driver_{{loop_, store_, sessions_, images_}, [](const std::string&) {},
                          [this](const std::string& text) { alarms_.push_back(text); }};
};

TEST_F(WithAFaultyStore, AFullDiskIsToldOnceHoweverOftenItIsTried) {
    driver_.start();
    loop_.go_on(1s);
    store_.write_fault = Error{ErrorCode::unavailable, "state store /x: its disk is full, make room on it"};
    for (int i = 0; i < 5; ++i) {
        ask();
        loop_.go_on(1s);
    }
    EXPECT_THAT(alarms_, ElementsAre("the records can't be written: state store /x: its disk is full, make room on it"));
    store_.write_fault.reset();
    ask();
    loop_.go_on(1s);
    EXPECT_THAT(alarms_.back(), "the records can be read and written again");
    EXPECT_EQ(alarms_.size(), 2U);
}

TEST_F(WithAFaultyStore, RecordsThatCannotBeReadAreAskedForAgainAfterARest) {
    store_.read_fault = Error{ErrorCode::corrupt, "state store /x is damaged"};
    driver_.start();
    loop_.go_on(2s);
    EXPECT_GE(store_.loads, 3);
    EXPECT_LE(store_.loads, 6);
    EXPECT_THAT(alarms_, ElementsAre("the records can't be read: state store /x is damaged"));
}

}  // namespace
}  // namespace flocker::driver
