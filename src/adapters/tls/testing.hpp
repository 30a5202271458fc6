// SPDX-License-Identifier: Apache-2.0
//
// A cluster's certificates for tests.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "adapters/tls/authority.hpp"
#include "adapters/tls/tls_stream.hpp"

namespace flocker::tls::testing {

inline Instant wall_clock_now() {
    return {std::chrono::duration_cast<Duration>(std::chrono::system_clock::now().time_since_epoch()).count()};
}

/// The value of what can't fail in this test.
template <class T>
T value_of(Result<T> result) {
    if (!result) ADD_FAILURE() << result.error();
    return std::move(result).value();
}

inline const std::string alder = "11111111-1111-4111-8111-111111111111";
inline const std::string birch = "22222222-2222-4222-8222-222222222222";

class TestCluster {
public:
    explicit TestCluster(const std::string& name = "test")
        : authority_(value_of(create_authority(name, wall_clock_now()))) {}

    [[nodiscard]] const Authority& authority() const { return authority_; }
    [[nodiscard]] std::string authority_fingerprint() const { return value_of(fingerprint(authority_.certificate)); }

    /// `now`: when it is signed.
    [[nodiscard]] Credentials credentials(const Terms& terms, Instant now = wall_clock_now()) const {
        const auto made = value_of(make_key_and_request(terms.common_name));
        return {authority_.certificate, value_of(sign(authority_, made.request, terms, now)), made.key};
    }
    [[nodiscard]] TlsContext context(const Terms& terms, Instant now = wall_clock_now()) const {
        return value_of(TlsContext::make(credentials(terms, now)));
    }
    [[nodiscard]] TlsContext node(const std::string& uuid) const { return context(terms_for_node(uuid, "127.0.0.1")); }
    [[nodiscard]] TlsContext user(const std::string& name) const { return context(terms_for_user(name)); }
    [[nodiscard]] TlsContext control() const { return context(terms_for_control({})); }

private:
    Authority authority_;
};

}  // namespace flocker::tls::testing
