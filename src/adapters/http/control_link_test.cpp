// SPDX-License-Identifier: Apache-2.0
#include "adapters/http/control_link.hpp"

#include <gmock/gmock.h>

#include <array>
#include <future>
#include <set>
#include <string_view>
#include <vector>

#include "adapters/http/agent_sessions.hpp"
#include "adapters/http/server.hpp"
#include "adapters/posix/event_loop.hpp"
#include "adapters/posix/fd_stream.hpp"
#include "codec/json.hpp"

namespace flocker::http {
namespace {

using ::testing::HasSubstr;

const model::NodeId alder{"11111111-1111-4111-8111-111111111111"};
const model::NodeId birch{"22222222-2222-4222-8222-222222222222"};

/// A stream whose other side has shown a certificate.
class NamedStream final : public posix::Stream {
public:
    NamedStream(std::unique_ptr<posix::Stream> inner, std::string peer)
        : inner_(std::move(inner)), peer_(std::move(peer)) {}
    Result<std::size_t> read_some(std::span<std::byte> buffer) override { return inner_->read_some(buffer); }
    Status write_all(std::span<const std::byte> bytes) override { return inner_->write_all(bytes); }
    void finish_writing() override { inner_->finish_writing(); }
    void close() override { inner_->close(); }
    void set_idle_limit(Duration limit) override { inner_->set_idle_limit(limit); }
    [[nodiscard]] std::string peer() const override { return peer_; }

private:
    std::unique_ptr<posix::Stream> inner_;
    std::string peer_;
};

class NamedListener final : public posix::Listener {
public:
    explicit NamedListener(std::string peer) : peer_(std::move(peer)) {}
    Result<std::unique_ptr<posix::Stream>> accept() override {
        FLOCKER_TRY(auto stream, inner_->accept());
        return std::make_unique<NamedStream>(std::move(stream), peer_);
    }
    void close() override { inner_->close(); }
    [[nodiscard]] std::uint16_t port() const override { return inner_->port(); }

private:
    std::unique_ptr<posix::FdListener> inner_ = posix::listen_tcp("127.0.0.1", 0).value();
    std::string peer_;
};

/// Values that come one by one from another thread.
template <class T>
class Mailbox {
public:
    void put(T value) {
        const std::lock_guard lock(mutex_);
        values_.push_back(std::move(value));
        changed_.notify_all();
    }
    T take() {
        std::unique_lock lock(mutex_);
        if (!changed_.wait_for(lock, 20s, [this] { return !values_.empty(); })) {
            ADD_FAILURE() << "nothing came";
            return T{};
        }
        T value = std::move(values_.front());
        values_.erase(values_.begin());
        return value;
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<T> values_;
};

model::Assignment assignment(std::uint64_t revision) {
    model::Assignment made;
    made.node = alder;
    made.revision = model::Revision{revision};
    return made;
}

model::NodeReport report(std::uint64_t sequence) {
    model::NodeReport made;
    made.node = alder;
    made.sequence = sequence;
    return made;
}

class ControlLink : public ::testing::Test {
protected:
    ControlLink() : looping_([this] { loop_.run(); }) { start_server(); }
    ~ControlLink() override {
        link_.reset();
        sessions_.stop();
        server_.reset();
        loop_.stop();
        looping_.join();
    }

    void start_server() {
        listener_ = std::make_unique<NamedListener>("node:" + alder.value);
        port_ = listener_->port();
        server_.emplace(*listener_, [this](const Request& request) {
            Response none;
            none.status = 404;
            return sessions_.respond(request).value_or(Answer(none));
        });
    }
    void start_link(const model::NodeId& node = alder) {
        posix::Connector connector = [this](const std::string& address, std::uint16_t, Duration limit) {
            return posix::connect_tcp(address, port_, limit);
        };
        link_.emplace(loop_, connector, HttpControlLink::Place{"127.0.0.1", 4524}, node,
                      [this](const std::string& text) { told_.put(text); });
        on_loop([this] { link_->watch([this](const model::Assignment& seen) { assigned_.put(seen); }); });
    }
    void on_loop(const std::function<void()>& work) {
        std::promise<void> ran;
        loop_.post([&] {
            work();
            ran.set_value();
        });
        ran.get_future().wait();
    }
    Result<model::ReportReceipt> send(const model::NodeReport& sent) {
        Mailbox<Result<model::ReportReceipt>> done;
        on_loop([&] { link_->report(sent, [&](Result<model::ReportReceipt> outcome) { done.put(std::move(outcome)); }); });
        return done.take();
    }
    Response ask(const std::string& method, const std::string& target, const std::string& body = {}) {
        HttpClient client([this] { return posix::connect_tcp("127.0.0.1", port_, 5s); }, "test");
        return client.exchange({.method = method, .target = target, .headers = {}, .body = body, .peer = {}}).value();
    }

    posix::EventLoop loop_;
    std::thread looping_;
    Mailbox<model::Assignment> assigned_;
    Mailbox<model::NodeReport> reported_;
    Mailbox<std::string> told_;
    HttpAgentSessions sessions_{loop_, [this](const model::NodeReport& seen) {
                                 reported_.put(seen);
                                 return model::ReportReceipt{seen.sequence == 2};
                             },
                             [](const model::Node& node, const std::string& request) -> Result<std::string> {
                                 if (request == "nonsense") return fail(ErrorCode::invalid_argument, "no request");
                                 return "for " + node.address + ": " + request;
                             }};
    std::unique_ptr<NamedListener> listener_;
    std::atomic<std::uint16_t> port_{0};
    std::optional<HttpServer> server_;
    std::optional<HttpControlLink> link_;
};

TEST_F(ControlLink, BringsTheAssignmentThatIsThereAndEachNewOne) {
    sessions_.publish(assignment(1));
    start_link();

    EXPECT_EQ(assigned_.take(), assignment(1));
    sessions_.publish(assignment(2));
    EXPECT_EQ(assigned_.take(), assignment(2));
    EXPECT_THAT(told_.take(), HasSubstr("watching the control service 127.0.0.1:4524"));
}

TEST_F(ControlLink, WaitsForTheFirstAssignment) {
    start_link();
    EXPECT_THAT(told_.take(), HasSubstr("watching"));

    sessions_.publish(assignment(7));

    EXPECT_EQ(assigned_.take(), assignment(7));
}

TEST_F(ControlLink, SaysNothingWhenTheSameIsPublishedAgainOrAnOlderOne) {
    sessions_.publish(assignment(2));
    start_link();
    EXPECT_EQ(assigned_.take(), assignment(2));

    sessions_.publish(assignment(2));
    sessions_.publish(assignment(1));
    sessions_.publish(assignment(3));

    EXPECT_EQ(assigned_.take(), assignment(3));
}

TEST_F(ControlLink, ComesBackWhenTheControlServiceDoes) {
    sessions_.publish(assignment(1));
    start_link();
    EXPECT_EQ(assigned_.take(), assignment(1));

    server_.reset();
    listener_.reset();
    start_server();

    EXPECT_EQ(assigned_.take(), assignment(1));
}

TEST_F(ControlLink, EndsTheOlderWatchOfANode) {
    sessions_.publish(assignment(1));
    start_link();
    EXPECT_EQ(assigned_.take(), assignment(1));
    EXPECT_THAT(told_.take(), HasSubstr("watching"));

    HttpClient other([this] { return posix::connect_tcp("127.0.0.1", port_, 5s); }, "test");
    const ports::Sink once = [](std::span<const std::byte>) -> Status { return fail(ErrorCode::conflict, "enough"); };
    static_cast<void>(
        other.exchange({.target = "/v1/nodes/" + alder.value + "/assignment?watch=1"}, {.source = {}, .sink = once}));

    EXPECT_THAT(told_.take(), HasSubstr("ended the watch"));
    EXPECT_EQ(assigned_.take(), assignment(1));
}

TEST_F(ControlLink, DeliversReportsOneAfterAnother) {
    start_link();

    EXPECT_EQ(send(report(1)), model::ReportReceipt{false});
    EXPECT_EQ(send(report(2)), model::ReportReceipt{true});

    EXPECT_EQ(reported_.take(), report(1));
    EXPECT_EQ(reported_.take(), report(2));
}

TEST_F(ControlLink, EndsEveryReportExactlyOnceEvenIfMoreComeThanCanBeSent) {
    start_link();
    Mailbox<Result<model::ReportReceipt>> done;
    on_loop([&] {
        for (std::uint64_t i = 1; i <= 20; ++i)
            link_->report(report(i), [&](Result<model::ReportReceipt> outcome) { done.put(std::move(outcome)); });
    });

    int delivered = 0;
    for (int i = 0; i < 20; ++i) {
        const auto outcome = done.take();
        if (outcome) {
            ++delivered;
        } else {
            EXPECT_EQ(outcome.error().code, ErrorCode::unavailable);
        }
    }

    EXPECT_GE(delivered, 1);
    auto last = reported_.take();
    while (last.sequence != 0 && last.sequence < 20) last = reported_.take();
    EXPECT_EQ(last, report(20));
}

TEST_F(ControlLink, FailsAReportWhileTheControlServiceIsAway) {
    start_link();
    server_.reset();
    listener_.reset();

    const auto outcome = send(report(1));

    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, ErrorCode::unavailable);
}

TEST_F(ControlLink, IsRefusedTheAssignmentOfAnotherNode) {
    start_link(birch);

    EXPECT_THAT(told_.take(), HasSubstr("403 only node " + birch.value + " itself may do this"));
    EXPECT_EQ(send(report(1)).error().code, ErrorCode::denied);
}

TEST_F(ControlLink, IsRefusedAReportAboutAnotherNode) {
    auto about_birch = report(1);
    about_birch.node = birch;

    EXPECT_EQ(ask("POST", "/v1/nodes/" + alder.value + "/report", codec::encode(about_birch)).status, 403U);
}

TEST_F(ControlLink, IsRefusedEverythingOnceItsNodeWasRemoved) {
    model::Assignment mine = assignment(1);
    mine.nodes.resize(2);
    mine.nodes[0].id = alder;
    mine.nodes[1].id = birch;
    sessions_.publish(mine);
    start_link();
    EXPECT_EQ(assigned_.take().revision, model::Revision{1});
    EXPECT_THAT(told_.take(), HasSubstr("watching"));

    model::Assignment without = assignment(2);
    without.node = birch;
    without.nodes = {mine.nodes[1]};
    sessions_.publish(without);
    EXPECT_THAT(told_.take(), HasSubstr("ended the watch")) << "at once";
    EXPECT_THAT(told_.take(), HasSubstr("is no member of this cluster any more: it was removed"));
    const auto sent = send(report(1));
    ASSERT_FALSE(sent);
    EXPECT_EQ(sent.error().code, ErrorCode::denied);
    for (const char* what : {"assignment", "assignment?watch=1"}) {
        EXPECT_EQ(ask("GET", "/v1/nodes/" + alder.value + "/" + what).status, 403U) << what;
    }
    EXPECT_EQ(ask("POST", "/v1/nodes/" + alder.value + "/certificate", "request").status, 403U);
    sessions_.publish(assignment(1));
    EXPECT_EQ(ask("GET", "/v1/nodes/" + alder.value + "/assignment").status, 403U) << "no old word makes it one";
}

TEST_F(ControlLink, GetsACertificateForItsOwnNodeAlone) {
    const std::string target = "/v1/nodes/" + alder.value + "/certificate";
    EXPECT_EQ(ask("POST", target, "request").status, 503U) << "nobody knows its address yet";
    model::Assignment mine = assignment(1);
    mine.nodes.resize(1);
    mine.nodes[0].id = alder;
    mine.nodes[0].address = "10.0.0.10";
    sessions_.publish(mine);
    EXPECT_EQ(ask("POST", target, "request").body, "for 10.0.0.10: request");
    EXPECT_EQ(ask("POST", target, "nonsense").status, 400U);
    EXPECT_EQ(ask("GET", target).status, 405U);
    EXPECT_EQ(ask("POST", "/v1/nodes/" + birch.value + "/certificate", "request").status, 403U);
}

TEST_F(ControlLink, CanBeReadByAnOperatorWithoutAWatch) {
    const auto path = "/v1/nodes/" + alder.value + "/assignment";
    EXPECT_EQ(ask("GET", path).status, 404U);
    sessions_.publish(assignment(5));

    EXPECT_EQ(codec::decode<model::Assignment>(ask("GET", path).body).value(), assignment(5));
    EXPECT_EQ(ask("POST", path).status, 405U);
}

TEST_F(ControlLink, IsAskedNothingForPathsOfOthers) {
    for (const auto* target : {"/", "/v1/nodes", "/v1/nodes/x", "/v1/nodes/x/other", "/v1/other/x/report"}) {
        EXPECT_FALSE(sessions_.respond({.target = target})) << target;
    }
}

TEST_F(ControlLink, RefusesAReportThatCanNotBeRead) {
    EXPECT_EQ(ask("POST", "/v1/nodes/" + alder.value + "/report", "{").status, 400U);
}

}  // namespace
}  // namespace flocker::http
