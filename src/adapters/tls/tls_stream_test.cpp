// SPDX-License-Identifier: Apache-2.0
#include "adapters/tls/tls_stream.hpp"

#include <gmock/gmock.h>
#include <poll.h>

#include <future>
#include <thread>

#include "adapters/posix/fd_stream.hpp"
#include "adapters/tls/openssl.hpp"
#include "adapters/tls/testing.hpp"

namespace flocker::tls {
namespace {

using testing::alder;
using testing::birch;
using ::testing::HasSubstr;
using testing::TestCluster;
using testing::value_of;
using testing::wall_clock_now;

using StreamPtr = std::unique_ptr<posix::Stream>;

ExpectedPeer anyone() {
    return [](const std::string&) { return true; };
}

std::span<const std::byte> bytes_of(std::string_view text) {
    return std::as_bytes(std::span(text));
}

/// What the other side writes until it ends, or the error.
Result<std::string> read_to_end(posix::Stream& stream) {
    std::string text;
    std::vector<std::byte> buffer(100'000);
    for (;;) {
        FLOCKER_TRY(const std::size_t size, stream.read_some(buffer));
        if (size == 0) return text;
        text.append(reinterpret_cast<const char*>(buffer.data()), size);
    }
}

/// Writes `text` and its end, then reads until the other side's.
Result<std::string> exchange(posix::Stream& stream, std::string_view text) {
    FLOCKER_CHECK_OK(stream.write_all(bytes_of(text)));
    stream.finish_writing();
    return read_to_end(stream);
}

/// A listener, and what one accepted stream comes to.
class Server {
public:
    explicit Server(const TlsContext& context, ClientCertificates clients = ClientCertificates::required)
        : listener_(value_of(context.listen("127.0.0.1", 0, clients))) {}

    /// Reads all of one stream, answers with the peer's name, and tells what it read.
    std::future<Result<std::string>> serve_one() {
        return std::async(std::launch::async, [this]() -> Result<std::string> {
            FLOCKER_TRY(const StreamPtr stream, listener_->accept());
            FLOCKER_TRY(std::string text, read_to_end(*stream));
            FLOCKER_CHECK_OK(stream->write_all(bytes_of("hello " + stream->peer())));
            stream->finish_writing();
            return text;
        });
    }
    StreamPtr accept() { return value_of(listener_->accept()); }
    [[nodiscard]] std::uint16_t port() const { return listener_->port(); }

private:
    std::unique_ptr<posix::Listener> listener_;
};

TEST(TlsStream, TellsEachSideWhoTheOtherIs) {
    const TestCluster cluster;
    Server server(cluster.control());
    auto served = server.serve_one();

    const auto stream = value_of(cluster.node(alder).connect("127.0.0.1", server.port(), 5s, peer_is("control")));

    EXPECT_EQ(stream->peer(), "control");
    EXPECT_EQ(value_of(exchange(*stream, "good morning")), "hello node:" + alder);
    EXPECT_EQ(value_of(served.get()), "good morning");
}

TEST(TlsStream, ConnectsToAnAgentByItsNodesName) {
    const TestCluster cluster;
    Server server(cluster.node(birch));
    auto served = server.serve_one();

    const auto connect = cluster.node(alder).connector(peer_is("node:" + birch));
    const auto stream = value_of(connect("127.0.0.1", server.port(), 5s));

    EXPECT_EQ(value_of(exchange(*stream, "")), "hello node:" + alder);
}

TEST(TlsStream, RefusesAServerOfAForeignCa) {
    const TestCluster ours;
    const TestCluster foreign;
    Server server(foreign.control());
    auto served = server.serve_one();

    const auto outcome = ours.node(alder).connect("127.0.0.1", server.port(), 5s, anyone());

    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error(),
              (Error{ErrorCode::denied, "the certificate of 127.0.0.1:" + std::to_string(server.port()) +
                                            " is not from this cluster's CA"}));
    EXPECT_FALSE(served.get());
}

/// A client that trusts the server's CA and shows a certificate of another.
TlsContext client_with_foreign_certificate(const TestCluster& trusted, const TestCluster& foreign) {
    auto credentials = foreign.credentials(terms_for_node(alder, "127.0.0.1"));
    credentials.authority = trusted.authority().certificate;
    return value_of(TlsContext::make(credentials));
}

TEST(TlsStream, RefusesAClientOfAForeignCaAndTellsBothSidesWhy) {
    const TestCluster ours;
    Server server(ours.control());
    auto served = server.serve_one();
    const auto client = client_with_foreign_certificate(ours, TestCluster{});

    const auto stream = value_of(client.connect("127.0.0.1", server.port(), 5s, anyone()));
    const auto outcome = exchange(*stream, "let me in");

    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, ErrorCode::denied);
    EXPECT_THAT(outcome.error().message, HasSubstr("refused our certificate"));
    const auto seen = served.get();
    ASSERT_FALSE(seen);
    EXPECT_EQ(seen.error().code, ErrorCode::denied);
    EXPECT_THAT(seen.error().message, HasSubstr("is not from this cluster's CA"));
}

TEST(TlsStream, TellsAClientWhyItWasRefusedEvenIfItOnlyWrites) {
    const TestCluster ours;
    Server server(ours.control());
    auto served = server.serve_one();
    const auto client = client_with_foreign_certificate(ours, TestCluster{});
    const auto stream = value_of(client.connect("127.0.0.1", server.port(), 5s, anyone()));
    const std::string much(1'000'000, 'x');

    Status outcome;
    while (outcome) outcome = stream->write_all(bytes_of(much));

    EXPECT_EQ(outcome.error().code, ErrorCode::denied) << outcome.error();
}

TEST(TlsStream, RefusesAClientWithoutACertificateWhereOneIsRequired) {
    const TestCluster cluster;
    Server server(cluster.control());
    auto served = server.serve_one();
    const auto client = value_of(TlsContext::pinned(cluster.authority_fingerprint()));

    const auto stream = value_of(client.connect("127.0.0.1", server.port(), 5s, anyone()));
    const auto outcome = exchange(*stream, "let me in");

    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, ErrorCode::denied);
    const auto seen = served.get();
    ASSERT_FALSE(seen);
    EXPECT_EQ(seen.error().code, ErrorCode::denied);
    EXPECT_THAT(seen.error().message, HasSubstr("showed no certificate"));
}

TEST(TlsStream, LetsAJoiningNodeInWithoutACertificateButWithoutAName) {
    const TestCluster cluster;
    Server server(cluster.control(), ClientCertificates::optional);
    auto served = server.serve_one();
    const auto client = value_of(TlsContext::pinned(cluster.authority_fingerprint()));

    const auto stream = value_of(client.connect("127.0.0.1", server.port(), 5s, peer_is("control")));

    EXPECT_EQ(value_of(exchange(*stream, "token")), "hello ");
    EXPECT_EQ(value_of(served.get()), "token");
}

TEST(TlsStream, RefusesAForeignClientCertificateEvenWhereNoneIsRequired) {
    const TestCluster ours;
    Server server(ours.control(), ClientCertificates::optional);
    auto served = server.serve_one();
    const auto client = client_with_foreign_certificate(ours, TestCluster{});

    const auto stream = value_of(client.connect("127.0.0.1", server.port(), 5s, anyone()));

    EXPECT_FALSE(exchange(*stream, "let me in"));
    EXPECT_FALSE(served.get());
}

TEST(TlsStream, RefusesAPinThatIsOfAnotherCa) {
    const TestCluster cluster;
    Server server(cluster.control(), ClientCertificates::optional);
    auto served = server.serve_one();
    const auto client = value_of(TlsContext::pinned(TestCluster{}.authority_fingerprint()));

    const auto outcome = client.connect("127.0.0.1", server.port(), 5s, anyone());

    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, ErrorCode::denied);
    EXPECT_THAT(outcome.error().message, HasSubstr("not of the cluster that the token is from"));
}

TEST(TlsStream, RefusesAServerThatSendsThePinnedCaAlongWithACertificateOfAnother) {
    // The CA's certificate is no secret: showing it must not be enough.
    const TestCluster ours;
    auto credentials = TestCluster{}.credentials(terms_for_control({}));
    credentials.authority = ours.authority().certificate;
    Server server(value_of(TlsContext::make(credentials)), ClientCertificates::optional);
    auto served = server.serve_one();
    const auto client = value_of(TlsContext::pinned(ours.authority_fingerprint()));

    const auto outcome = client.connect("127.0.0.1", server.port(), 5s, anyone());

    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, ErrorCode::denied);
    EXPECT_THAT(outcome.error().message, HasSubstr("is not from this cluster's CA"));
}

TEST(TlsStream, DoesNotListenWithoutACertificate) {
    const auto context = value_of(TlsContext::pinned(TestCluster{}.authority_fingerprint()));

    EXPECT_EQ(context.listen("127.0.0.1", 0, ClientCertificates::required).error().code, ErrorCode::invalid_argument);
    EXPECT_FALSE(TlsContext::pinned("beef"));
}

TEST(TlsStream, RefusesAServerWithAnotherNameThanTheExpectedOne) {
    const TestCluster cluster;
    Server server(cluster.node(birch));
    auto served = server.serve_one();

    const auto outcome = cluster.node(alder).connect("127.0.0.1", server.port(), 5s, peer_is("control"));

    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, ErrorCode::denied);
    EXPECT_THAT(outcome.error().message, HasSubstr("is 'node:" + birch + "', which is not whom we want to reach"));
}

TEST(TlsStream, RefusesAUserWhoPretendsToBeAServer) {
    const TestCluster cluster;
    Server server(cluster.user("eve"));
    auto served = server.serve_one();

    const auto outcome = cluster.node(alder).connect("127.0.0.1", server.port(), 5s, anyone());

    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, ErrorCode::denied);
    EXPECT_THAT(outcome.error().message, HasSubstr("is not made for this side"));
}

TEST(TlsStream, RefusesAnExpiredCertificateAndSaysSinceWhen) {
    const TestCluster cluster;
    auto terms = terms_for_control({});
    terms.lifetime = std::chrono::hours(1);
    const auto signed_at = wall_clock_now() - std::chrono::hours(2);
    Server server(cluster.context(terms, signed_at));
    auto served = server.serve_one();

    const auto outcome = cluster.node(alder).connect("127.0.0.1", server.port(), 5s, anyone());

    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, ErrorCode::denied);
    EXPECT_THAT(outcome.error().message,
                HasSubstr("expired on " + to_utc_text(signed_at + terms.lifetime).substr(0, 16)));
}

TEST(TlsStream, RefusesACertificateOfTomorrowAndHintsAtTheClocks) {
    const TestCluster cluster;
    Server server(cluster.context(terms_for_control({}), wall_clock_now() + std::chrono::hours(24)));
    auto served = server.serve_one();

    const auto outcome = cluster.node(alder).connect("127.0.0.1", server.port(), 5s, anyone());

    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, ErrorCode::denied);
    EXPECT_THAT(outcome.error().message, HasSubstr("is not valid before"));
    EXPECT_THAT(outcome.error().message, HasSubstr("clocks"));
}

TEST(TlsStream, RefusesAPlainClient) {
    const TestCluster cluster;
    Server server(cluster.control());
    auto served = server.serve_one();

    const auto stream = value_of(posix::connect_tcp("127.0.0.1", server.port(), 5s));
    ASSERT_TRUE(stream->write_all(bytes_of("GET / HTTP/1.1\r\n\r\n")));

    const auto seen = served.get();
    ASSERT_FALSE(seen);
    EXPECT_EQ(seen.error().code, ErrorCode::unavailable);
    EXPECT_THAT(seen.error().message, HasSubstr("does not speak TLS 1.3"));
}

TEST(TlsStream, RefusesAPlainServer) {
    const TestCluster cluster;
    const auto listener = value_of(posix::listen_tcp("127.0.0.1", 0));
    auto served = std::async(std::launch::async, [&] {
        const auto stream = value_of(listener->accept());
        return stream->write_all(bytes_of("220 mail.example ESMTP\r\n"));
    });

    const auto outcome = cluster.node(alder).connect("127.0.0.1", listener->port(), 5s, anyone());

    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, ErrorCode::unavailable);
    EXPECT_THAT(outcome.error().message, HasSubstr("does not speak TLS 1.3"));
}

TEST(TlsStream, RefusesAnOlderTls) {
    const TestCluster cluster;
    Server server(cluster.control(), ClientCertificates::optional);
    auto served = server.serve_one();
    const ContextPtr old(SSL_CTX_new(TLS_client_method()));
    ASSERT_EQ(SSL_CTX_set_max_proto_version(old.get(), TLS1_2_VERSION), 1);
    const SslPtr ssl(SSL_new(old.get()));
    const auto socket = value_of(posix::connect_tcp_fd("127.0.0.1", server.port(), 5s));
    ASSERT_EQ(SSL_set_fd(ssl.get(), socket.get()), 1);

    int outcome = SSL_connect(ssl.get());
    while (SSL_get_error(ssl.get(), outcome) == SSL_ERROR_WANT_READ) {
        pollfd waited{socket.get(), POLLIN, 0};
        ASSERT_EQ(::poll(&waited, 1, 5000), 1);
        outcome = SSL_connect(ssl.get());
    }

    EXPECT_FALSE(SSL_is_init_finished(ssl.get()));
    EXPECT_THAT(served.get().error().message, HasSubstr("does not speak TLS 1.3"));
}

TEST(TlsStream, GivesUpAHandshakeThatDoesNotMove) {
    const TestCluster cluster;
    const auto listener = value_of(posix::listen_tcp("127.0.0.1", 0));

    const auto outcome = cluster.node(alder).connect("127.0.0.1", listener->port(), 50ms, anyone());

    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, ErrorCode::timed_out);
}

TEST(TlsStream, AcceptsWithoutWaitingForAClientThatSaysNothing) {
    const TestCluster cluster;
    Server server(cluster.control());
    const auto silent = value_of(posix::connect_tcp("127.0.0.1", server.port(), 5s));
    const auto first = server.accept();
    auto served = server.serve_one();

    const auto stream = value_of(cluster.node(alder).connect("127.0.0.1", server.port(), 5s, anyone()));

    EXPECT_EQ(value_of(exchange(*stream, "")), "hello node:" + alder);
}

/// Two streams that are connected.
struct Pair {
    explicit Pair(const TestCluster& cluster) {
        Server server(cluster.node(birch));
        auto accepting = std::async(std::launch::async, [&] {
            auto stream = server.accept();
            EXPECT_EQ(stream->peer(), "node:" + alder);
            return stream;
        });
        near = value_of(cluster.node(alder).connect("127.0.0.1", server.port(), 5s, anyone()));
        far = accepting.get();
    }
    StreamPtr near;
    StreamPtr far;
};

TEST(TlsStream, TimesOutWhenNothingComesAndGoesOnAfterwards) {
    Pair pair{TestCluster{}};
    std::vector<std::byte> buffer(16);
    pair.near->set_idle_limit(20ms);

    const auto silent = pair.near->read_some(buffer);
    ASSERT_TRUE(pair.far->write_all(bytes_of("late")));
    pair.near->set_idle_limit(5s);
    const auto late = pair.near->read_some(buffer);

    ASSERT_FALSE(silent);
    EXPECT_EQ(silent.error().code, ErrorCode::timed_out);
    EXPECT_EQ(value_of(late), 4U);
}

TEST(TlsStream, TimesOutWhenNobodyTakesWhatIsWritten) {
    Pair pair{TestCluster{}};
    const std::string much(1'000'000, 'x');
    pair.near->set_idle_limit(50ms);

    Status outcome;
    while (outcome) outcome = pair.near->write_all(bytes_of(much));

    EXPECT_EQ(outcome.error().code, ErrorCode::timed_out);
}

TEST(TlsStream, WakesABlockedReadWhenItIsClosed) {
    Pair pair{TestCluster{}};
    std::promise<void> begun;
    auto reading = std::async(std::launch::async, [&] {
        std::vector<std::byte> buffer(16);
        begun.set_value();
        return pair.near->read_some(buffer);
    });
    begun.get_future().wait();

    pair.near->close();

    const auto outcome = reading.get();
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, ErrorCode::unavailable);
}

TEST(TlsStream, TellsACutConnectionFromAnOrderlyEnd) {
    Pair cut{TestCluster{}};
    ASSERT_TRUE(cut.far->write_all(bytes_of("half")));
    cut.far.reset();
    Pair ended{TestCluster{}};
    ASSERT_TRUE(ended.far->write_all(bytes_of("whole")));
    ended.far->finish_writing();
    ended.far.reset();

    const auto half = read_to_end(*cut.near);
    const auto whole = read_to_end(*ended.near);

    ASSERT_FALSE(half);
    EXPECT_EQ(half.error().code, ErrorCode::unavailable);
    EXPECT_EQ(value_of(whole), "whole");
}

/// Each side writes `rounds` pieces while it reads those of the other.
void expect_both_directions_at_once(int piece_size, int rounds) {
    Pair pair{TestCluster{}};
    std::string much;
    for (int i = 0; i < piece_size; ++i) much += static_cast<char>('a' + i % 26);
    const auto write = [&](posix::Stream& stream) {
        for (int i = 0; i < rounds; ++i) {
            if (auto status = stream.write_all(bytes_of(much)); !status) return status;
        }
        stream.finish_writing();
        return Status{};
    };

    auto near_writes = std::async(std::launch::async, [&] { return write(*pair.near); });
    auto far_writes = std::async(std::launch::async, [&] { return write(*pair.far); });
    auto far_reads = std::async(std::launch::async, [&] { return read_to_end(*pair.far); });
    const auto near_read = value_of(read_to_end(*pair.near));
    const auto far_read = value_of(far_reads.get());

    std::string expected;
    for (int i = 0; i < rounds; ++i) expected += much;
    EXPECT_TRUE(near_writes.get());
    EXPECT_TRUE(far_writes.get());
    EXPECT_TRUE(near_read == expected);
    EXPECT_TRUE(far_read == expected);
}

TEST(TlsStream, ReadsAndWritesLargePiecesAtTheSameTimeOnBothSides) {
    expect_both_directions_at_once(500'000, 20);
}

// Small ones make the reader wait while the writer runs: where a missing lock shows, though rarely.
TEST(TlsStream, ReadsAndWritesSmallPiecesAtTheSameTimeOnBothSides) {
    expect_both_directions_at_once(300, 10'000);
}

TEST(TlsContext, RefusesAKeyOfAnotherCertificate) {
    const TestCluster cluster;
    auto credentials = cluster.credentials(terms_for_user("eve"));
    credentials.key = cluster.credentials(terms_for_user("eve")).key;

    EXPECT_EQ(TlsContext::make(credentials).error().code, ErrorCode::invalid_argument);
    EXPECT_EQ(TlsContext::make({"", "", ""}).error().message, "the CA's certificate can't be read");
}

TEST(TlsListener, EndsAcceptWhenItIsClosed) {
    const auto listener = value_of(TestCluster{}.control().listen("127.0.0.1", 0, ClientCertificates::required));
    auto accepting = std::async(std::launch::async, [&] { return listener->accept(); });

    listener->close();

    EXPECT_EQ(accepting.get().error().code, ErrorCode::unavailable);
}

}  // namespace
}  // namespace flocker::tls
