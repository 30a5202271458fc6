// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <ostream>
#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace flocker {

/// What went wrong, as far as a caller can act on it. A code exists only if some caller reacts to
/// it differently.
enum class ErrorCode : std::uint8_t {
    invalid_argument,  ///< The request can never work as it is.
    not_found,
    already_exists,
    denied,       ///< The caller's certificate or token does not allow it.
    conflict,     ///< Lost a race; read again, then retry.
    unavailable,  ///< Peer, engine or disk is away or full; retry later.
    timed_out,    ///< Outcome unknown: the effect may still have happened. Ask before repeating.
    corrupt,      ///< Stored or received bytes fail their checksum or do not parse.
    internal,     ///< A bug of ours that was caught at a boundary.
};

/// The code's name as it is written above; used in JSON and logs.
[[nodiscard]] const char* to_string(ErrorCode code);

struct Error {
    ErrorCode code{ErrorCode::internal};
    /// Lower case, no full stop, names the object: "image redis:7 is on no node".
    std::string message;

    friend bool operator==(const Error&, const Error&) = default;
    friend std::ostream& operator<<(std::ostream& out, const Error& error) {
        return out << to_string(error.code) << ": " << error.message;
    }
};

template <class T>
using Result = tl::expected<T, Error>;
using Status = Result<void>;

/// The error branch of any Result: `return fail(ErrorCode::not_found, "no node " + name);`
[[nodiscard]] inline tl::unexpected<Error> fail(ErrorCode code, std::string message) {
    return tl::unexpected<Error>(Error{code, std::move(message)});
}

/// The same error with its place in front: "postgres: no such image".
[[nodiscard]] inline tl::unexpected<Error> fail_in(const std::string& where, Error error) {
    error.message = where + ": " + error.message;
    return tl::unexpected<Error>(std::move(error));
}

/// How an asynchronous call ends. Called exactly once, on the loop thread, after the call that
/// took it has returned.
template <class T>
using Done = std::function<void(Result<T>)>;

}  // namespace flocker

#define FLOCKER_CONCAT_(a, b) a##b
#define FLOCKER_CONCAT(a, b) FLOCKER_CONCAT_(a, b)
#define FLOCKER_TRY_(temporary, declaration, expression)                          \
    auto temporary = (expression);                                                \
    if (!temporary) return ::tl::unexpected(std::move(temporary).error());        \
    declaration = *std::move(temporary)

/// FLOCKER_TRY(auto text, read(path)): the value, or return the error from here.
#define FLOCKER_TRY(declaration, expression) \
    FLOCKER_TRY_(FLOCKER_CONCAT(flocker_try_, __LINE__), declaration, expression)

/// FLOCKER_CHECK_OK(write(path)): return the error from here, if there is one.
#define FLOCKER_CHECK_OK(expression)                                                    \
    do {                                                                                \
        if (auto flocker_status = (expression); !flocker_status)                        \
            return ::tl::unexpected(std::move(flocker_status).error());                 \
    } while (false)
