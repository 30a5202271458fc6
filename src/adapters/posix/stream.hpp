// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "base/result.hpp"
#include "base/time.hpp"

namespace flocker::posix {

/// A connected byte stream: TCP, Unix socket or TLS. Blocking.
///
/// Threads: one reader and one writer at a time; close() from any thread, it wakes both.
/// Errors:  unavailable (connection refused, reset, closed), timed_out (nothing moved for the idle
///          limit), denied (TLS: the other side's certificate).
class Stream {
public:
    virtual ~Stream() = default;
    /// At least one byte, or 0 at the orderly end.
    [[nodiscard]] virtual Result<std::size_t> read_some(std::span<std::byte> buffer) = 0;
    [[nodiscard]] virtual Status write_all(std::span<const std::byte> bytes) = 0;
    /// No more will be written; the other side reads the end.
    virtual void finish_writing() = 0;
    virtual void close() = 0;
    /// How long a read or a write may wait for the other side. Default: for ever.
    virtual void set_idle_limit(Duration limit) = 0;
    /// The common name of the other side's verified certificate ("node:<id>", "user:<name>",
    /// "control"); empty: it showed none, or the stream is not TLS.
    [[nodiscard]] virtual std::string peer() const = 0;
};

/// Opens a stream to a place; the way (plain, TLS, simulated) is the maker's business.
using Connector = std::function<Result<std::unique_ptr<Stream>>(const std::string& address, std::uint16_t port, Duration limit)>;

/// Where streams arrive.
class Listener {
public:
    virtual ~Listener() = default;
    /// Waits for the next one. unavailable after close().
    [[nodiscard]] virtual Result<std::unique_ptr<Stream>> accept() = 0;
    /// From any thread.
    virtual void close() = 0;
    [[nodiscard]] virtual std::uint16_t port() const = 0;
};

}  // namespace flocker::posix
