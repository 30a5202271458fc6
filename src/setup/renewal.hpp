// SPDX-License-Identifier: Apache-2.0
//
// Certificates are renewed by themselves, so that none expires while its machine runs. The key stays.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "adapters/http/client.hpp"
#include "adapters/tls/authority.hpp"
#include "adapters/tls/tls_stream.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "setup/layout.hpp"

namespace flocker::setup {

/// As certificates go by it.
[[nodiscard]] Instant wall_clock();

/// When a certificate is to be renewed: when the last third of its life begins.
[[nodiscard]] Instant renewal_due(const tls::CertificateFacts& facts);

/// One identity of this machine.
struct Renewable {
    ConfigFolder files;
    std::string name;  ///< Of the certificate's file: "node".
    std::optional<tls::TlsContext> context{};  ///< Is to show the new one from then on.
};
/// Signs a certificate request; both are PEM.
using Certify = std::function<Result<std::string>(const std::string& request)>;

struct RenewalOutcome {
    bool renewed{false};
    Instant due;  ///< The next time.
};

/// Renews the certificate if it is time. What is there is replaced only by one that is good:
/// of the same CA, key and name, and valid for longer.
/// Errors: whatever certify returned; corrupt, invalid_argument (what it gave); unavailable (the files).
[[nodiscard]] Result<RenewalOutcome> renew_if_due(const Renewable& identity, const Certify& certify, Instant now);

/// Asks the control service for a certificate of this node.
[[nodiscard]] Certify certify_by_control(http::Dial dial, const std::string& place, const std::string& node);

/// Looks now and then for as long as it lives.
///
/// Threads: one of its own, on which `certify` and `told` are called.
class Renewal {
public:
    /// `told`: hears in one sentence when a certificate was renewed, and why one could not be, each reason once.
    Renewal(Renewable identity, Certify certify, std::function<Instant()> clock,
            std::function<void(const std::string&)> told, Duration pause = std::chrono::hours{1});
    ~Renewal();
    Renewal(const Renewal&) = delete;
    Renewal& operator=(const Renewal&) = delete;

private:
    void run();

    Renewable identity_;
    Certify certify_;
    std::function<Instant()> clock_;
    std::function<void(const std::string&)> told_;
    Duration pause_;
    std::mutex mutex_;
    std::condition_variable wake_;
    bool stopping_{false};
    std::thread thread_;
};

}  // namespace flocker::setup
