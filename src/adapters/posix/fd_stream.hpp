// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "adapters/posix/fd.hpp"
#include "adapters/posix/stream.hpp"

namespace flocker::posix {

/// A connected socket as a stream: TCP, or a Unix socket. Raises no SIGPIPE and hides EINTR.
///
/// Threads: as in Stream. The descriptor is closed by the destructor only, so that close() never
///          pulls it from under the thread that uses it.
class FdStream final : public Stream {
public:
    /// `place` names the other side in errors: "10.0.0.2:4524".
    FdStream(Fd socket, std::string place);

    Result<std::size_t> read_some(std::span<std::byte> buffer) override;
    Status write_all(std::span<const std::byte> bytes) override;
    void finish_writing() override;
    void close() override;
    /// Zero: for ever.
    void set_idle_limit(Duration limit) override;
    [[nodiscard]] std::string peer() const override { return {}; }

    /// For poll() beside other descriptors; stays owned by the stream.
    [[nodiscard]] int fd() const { return socket_.get(); }

private:
    [[nodiscard]] Status await(short events, const char* purpose) const;
    [[nodiscard]] Status closed_or(const char* purpose, int error) const;

    Fd socket_;
    std::string place_;
    std::atomic<std::int64_t> idle_limit_ns_{0};
    std::atomic<bool> closed_{false};
};

/// A connected socket; `limit` is for the connecting alone (zero: for ever). TCP sockets have
/// TCP_NODELAY. `address` is an IP address or a host name; looking a name up is not limited.
/// Errors: unavailable (refused, no such socket or host), timed_out.
[[nodiscard]] Result<Fd> connect_tcp_fd(const std::string& address, std::uint16_t port, Duration limit);
[[nodiscard]] Result<std::unique_ptr<Stream>> connect_tcp(const std::string& address, std::uint16_t port,
                                                          Duration limit);
[[nodiscard]] Result<std::unique_ptr<Stream>> connect_unix(const std::string& path, Duration limit);

/// A socket that listens, on TCP or Unix.
class FdListener final : public Listener {
public:
    FdListener(Fd socket, Fd wake, std::string place, std::uint16_t port);

    /// One that connected, with TCP_NODELAY. Waits while the process has no descriptor to spare.
    /// unavailable after close().
    [[nodiscard]] Result<Fd> accept_fd();
    Result<std::unique_ptr<Stream>> accept() override;
    void close() override;
    [[nodiscard]] std::uint16_t port() const override { return port_; }

private:
    Fd socket_;
    Fd wake_;  ///< An eventfd; readable for ever once close() was called.
    std::string place_;
    std::uint16_t port_{0};
};

/// Port 0 takes a free one. `address` is an IP address; "0.0.0.0" is all of IPv4.
/// Errors: unavailable (port taken, address not here), invalid_argument (not an address).
[[nodiscard]] Result<std::unique_ptr<FdListener>> listen_tcp(const std::string& address, std::uint16_t port);
/// Replaces a socket file that nobody listens on. Readable and writable by root alone (0600).
[[nodiscard]] Result<std::unique_ptr<FdListener>> listen_unix(const std::string& path);

}  // namespace flocker::posix
