// SPDX-License-Identifier: Apache-2.0
#include "setup/renewal.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <utility>

#include "adapters/posix/files.hpp"

namespace flocker::setup {
namespace {

/// Who stops the daemon waits for it at most so long.
constexpr Duration answer_limit = 10s;
constexpr std::size_t file_max = std::size_t{1} << 20U;

/// Whether it may take the place of what was there.
Status check(const std::string& certificate, const tls::Credentials& before, const Renewable& identity) {
    FLOCKER_TRY(const tls::CertificateFacts old, tls::read_certificate(before.certificate));
    FLOCKER_TRY(const tls::CertificateFacts fresh, tls::read_certificate(certificate));
    if (fresh.common_name != old.common_name || fresh.valid_until <= old.valid_until) {
        return fail(ErrorCode::invalid_argument,
                    fmt::format("what was given for {} is for \"{}\" until {}: it is not taken",
                                identity.files.certificate(identity.name), fresh.common_name,
                                to_utc_text(fresh.valid_until)));
    }
    FLOCKER_TRY(const bool ours, tls::is_signed_by(certificate, before.authority));
    if (!ours) {
        return fail(ErrorCode::invalid_argument, "what was given for " + identity.files.certificate(identity.name) +
                                                     " is not from this cluster's CA: it is not taken");
    }
    FLOCKER_TRY(const auto usable, tls::TlsContext::make({before.authority, certificate, before.key}));
    static_cast<void>(usable);
    return {};
}

}  // namespace

Instant wall_clock() {
    return {std::chrono::duration_cast<Duration>(std::chrono::system_clock::now().time_since_epoch()).count()};
}

Instant renewal_due(const tls::CertificateFacts& facts) {
    return facts.valid_until - (facts.valid_until - facts.valid_from) / 3;
}

Result<RenewalOutcome> renew_if_due(const Renewable& identity, const Certify& certify, Instant now) {
    tls::Credentials credentials;
    FLOCKER_TRY(credentials.authority, posix::read_file(identity.files.authority(), file_max));
    FLOCKER_TRY(credentials.certificate, posix::read_file(identity.files.certificate(identity.name), file_max));
    FLOCKER_TRY(credentials.key, posix::read_file(identity.files.key(identity.name), file_max));
    FLOCKER_TRY(tls::CertificateFacts facts, tls::read_certificate(credentials.certificate));
    if (now < renewal_due(facts)) return RenewalOutcome{false, renewal_due(facts)};
    FLOCKER_TRY(const std::string request, tls::make_request(credentials.key, facts.common_name));
    FLOCKER_TRY(const std::string certificate, certify(request));
    FLOCKER_CHECK_OK(check(certificate, credentials, identity));
    FLOCKER_CHECK_OK(posix::write_file_atomically(identity.files.certificate(identity.name), certificate, 0644));
    credentials.certificate = certificate;
    if (identity.context) FLOCKER_CHECK_OK(identity.context->renew(credentials));
    FLOCKER_TRY(facts, tls::read_certificate(certificate));
    return RenewalOutcome{true, renewal_due(facts)};
}

Certify certify_by_control(http::Dial dial, const std::string& place, const std::string& node) {
    return [dial = std::move(dial), place, node](const std::string& text) -> Result<std::string> {
        http::HttpClient client(dial, place);
        http::Request request;
        request.method = "POST";
        request.target = "/v1/nodes/" + node + "/certificate";
        request.body = text;
        FLOCKER_TRY(const http::Response response,
                    client.exchange(request, {.source = {}, .sink = {}, .idle_limit = answer_limit}));
        if (response.status == 200) return response.body;
        return fail(response.status == 403 ? ErrorCode::denied : ErrorCode::unavailable,
                    fmt::format("control service {}: {} {}", place, response.status,
                                response.body.substr(0, response.body.find('\n'))));
    };
}

Renewal::Renewal(Renewable identity, Certify certify, std::function<Instant()> clock,
                 std::function<void(const std::string&)> told, Duration pause)
    : identity_(std::move(identity)),
      certify_(std::move(certify)),
      clock_(std::move(clock)),
      told_(std::move(told)),
      pause_(pause),
      thread_([this] { run(); }) {}

Renewal::~Renewal() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_all();
    thread_.join();
}

void Renewal::run() {
    std::string last;
    std::unique_lock lock(mutex_);
    while (!stopping_) {
        lock.unlock();
        const auto next = renew_if_due(identity_, certify_, clock_());
        const std::string file = identity_.files.certificate(identity_.name);
        std::string news;
        if (!next) news = fmt::format("{} can't be renewed: {}", file, next.error().message);
        if (next && next->renewed) {
            news = fmt::format("{} was renewed; the next time is {}", file, to_utc_text(next->due));
        }
        if (!news.empty() && news != last) told_(news);
        last = news;
        lock.lock();
        // Looked at now and then, for the clock may have been set.
        Duration pause = pause_;
        if (next) pause = std::clamp<Duration>(next->due - clock_(), 10ms, pause_);
        wake_.wait_for(lock, pause, [this] { return stopping_; });
    }
}

}  // namespace flocker::setup
