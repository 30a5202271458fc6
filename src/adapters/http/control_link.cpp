// SPDX-License-Identifier: Apache-2.0
#include "adapters/http/control_link.hpp"

#include <algorithm>
#include <random>
#include <utility>

#include "codec/json.hpp"

namespace flocker::http {
namespace {

constexpr Duration connect_limit = 3s;
/// The other side writes a blank line every 5 s.
constexpr Duration silence_limit = 15s;
constexpr Duration report_limit = 5s;
constexpr Duration pause_min = 100ms;
constexpr Duration pause_max = 5s;

/// Half of it is chance, so that a cluster's agents do not all come back at one instant.
Duration with_jitter(Duration pause, std::minstd_rand& random) {
    std::uniform_int_distribution<std::int64_t> half(0, pause.count() / 2);
    return pause / 2 + Duration{half(random)};
}

Error refusal_of(const std::string& place, const Response& response) {
    std::string text = response.body.substr(0, response.body.find('\n'));
    ErrorCode code = ErrorCode::unavailable;
    if (response.status == 400) code = ErrorCode::invalid_argument;
    if (response.status == 401 || response.status == 403) code = ErrorCode::denied;
    return {code, "control service " + place + ": " + std::to_string(response.status) + " " + text};
}

Dial dial_of(const posix::Connector& connector, const HttpControlLink::Place& control) {
    return [connector, control] { return connector(control.address, control.port, connect_limit); };
}

std::string text_of(const HttpControlLink::Place& control) {
    return control.address + ":" + std::to_string(control.port);
}

}  // namespace

HttpControlLink::HttpControlLink(ports::Loop& loop, posix::Connector connector, Place control, model::NodeId node,
                                 std::function<void(const std::string&)> told)
    : loop_(loop),
      node_(std::move(node)),
      path_("/v1/nodes/" + node_.value + "/"),
      place_(text_of(control)),
      told_(std::move(told)),
      watch_client_(dial_of(connector, control), place_, {.body_bytes = codec::text_max}),
      report_client_(dial_of(connector, control), place_, {.body_bytes = codec::text_max}),
      reporting_([this] { report_until_stopped(); }) {}

HttpControlLink::~HttpControlLink() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    changed_.notify_all();
    watch_client_.close();
    report_client_.close();
    reporting_.join();
    if (watching_.joinable()) watching_.join();
}

void HttpControlLink::watch(std::function<void(const model::Assignment&)> assigned) {
    const std::lock_guard lock(mutex_);
    assigned_ = std::move(assigned);
    if (!watching_.joinable()) watching_ = std::thread([this] { watch_until_stopped(); });
}

void HttpControlLink::report(const model::NodeReport& report, Done<model::ReportReceipt> done) {
    const std::lock_guard lock(mutex_);
    if (outgoing_) {
        loop_.post([done = std::move(outgoing_->done)] {
            done(fail(ErrorCode::unavailable, "a newer report took this one's place"));
        });
    }
    outgoing_ = Outgoing{report, std::move(done)};
    changed_.notify_all();
}

void HttpControlLink::tell(const std::string& text) {
    if (text == last_told_) return;
    last_told_ = text;
    told_(text);
}

bool HttpControlLink::rest(Duration pause) {
    std::unique_lock lock(mutex_);
    return !changed_.wait_for(lock, pause, [this] { return stopping_; });
}

void HttpControlLink::watch_until_stopped() {
    std::minstd_rand random(std::random_device{}());
    Duration pause = pause_min;
    do {
        bool heard = false;
        const Status ended = watch_once(heard);
        {
            const std::lock_guard lock(mutex_);
            if (stopping_) return;
        }
        tell(ended ? "the control service " + place_ + " ended the watch" : ended.error().message);
        pause = heard ? pause_min : std::min(pause * 2, pause_max);
    } while (rest(with_jitter(pause, random)));
}

Status HttpControlLink::watch_once(bool& heard) {
    std::string line;
    const ports::Sink sink = [&](std::span<const std::byte> bytes) -> Status {
        if (!std::exchange(heard, true)) tell("watching the control service " + place_);
        for (const std::byte byte : bytes) {
            const char c = static_cast<char>(byte);
            if (c != '\n') {
                line += c;
                continue;
            }
            if (!line.empty()) FLOCKER_CHECK_OK(take_line(line));
            line.clear();
        }
        if (line.size() > codec::text_max)
            return fail(ErrorCode::corrupt, "the assignment from " + place_ + " is too long");
        return {};
    };
    Request request;
    request.target = path_ + "assignment?watch=1";
    FLOCKER_TRY(const Response response,
                watch_client_.exchange(request, {.source = {}, .sink = sink, .idle_limit = silence_limit}));
    if (response.status != 200) return tl::unexpected(refusal_of(place_, response));
    return {};
}

Status HttpControlLink::take_line(const std::string& line) {
    auto assignment = codec::decode<model::Assignment>(line);
    if (!assignment) return fail_in("the assignment from " + place_, assignment.error());
    if (assignment->node != node_)
        return fail(ErrorCode::corrupt, "the assignment from " + place_ + " is another node's");
    const std::lock_guard lock(mutex_);
    loop_.post([assigned = assigned_, assignment = *std::move(assignment)] { assigned(assignment); });
    return {};
}

void HttpControlLink::report_until_stopped() {
    std::unique_lock lock(mutex_);
    for (;;) {
        changed_.wait(lock, [this] { return stopping_ || outgoing_; });
        if (stopping_) return;
        const Outgoing outgoing = std::move(*outgoing_);
        outgoing_.reset();
        lock.unlock();
        Result<model::ReportReceipt> outcome = send(outgoing.report);
        loop_.post([done = outgoing.done, outcome = std::move(outcome)] { done(outcome); });
        lock.lock();
    }
}

Result<model::ReportReceipt> HttpControlLink::send(const model::NodeReport& report) {
    Request request;
    request.method = "POST";
    request.target = path_ + "report";
    request.headers.add("Content-Type", "application/json");
    request.body = codec::encode(report);
    FLOCKER_TRY(const Response response,
                report_client_.exchange(request, {.source = {}, .sink = {}, .idle_limit = report_limit}));
    if (response.status / 100 != 2) return tl::unexpected(refusal_of(place_, response));
    // A control service one release older says nothing, and gives nobody's volume away.
    if (response.body.empty()) return model::ReportReceipt{};
    return codec::decode<model::ReportReceipt>(response.body);
}

}  // namespace flocker::http
