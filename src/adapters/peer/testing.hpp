// SPDX-License-Identifier: Apache-2.0
//
// For tests: both ends of the protocol against each other over TLS, with stores in memory.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <future>
#include <string_view>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "adapters/peer/peer_link.hpp"
#include "adapters/peer/peer_server.hpp"
#include "adapters/posix/event_loop.hpp"
#include "adapters/tls/testing.hpp"

namespace flocker::peer::testing {

using tls::testing::TestCluster;
using tls::testing::value_of;

inline const model::DatasetId dataset{"33333333-3333-4333-8333-333333333333"};
inline const model::SnapshotId first{model::Epoch{3}, 41};
inline const model::SnapshotId second{model::Epoch{3}, 42};

inline std::span<const std::byte> bytes_of(std::string_view text) {
    return std::as_bytes(std::span(text));
}

inline std::string pattern(std::size_t size) {
    std::string text(size, '\0');
    std::uint32_t state = 1;
    for (char& c : text) c = static_cast<char>((state = state * 1664525U + 1013904223U) >> 24U);
    return text;
}

[[nodiscard]] inline Status write_in_pieces(const std::string& text, const ports::Sink& sink) {
    constexpr std::size_t piece = 50'000;
    for (std::size_t at = 0; at < text.size(); at += piece)
        FLOCKER_CHECK_OK(sink(bytes_of(text).subspan(at, std::min(piece, text.size() - at))));
    return {};
}

/// Appends; what had come before an error is there too.
[[nodiscard]] inline Status read_to(std::string& text, const ports::Source& source) {
    std::vector<std::byte> buffer(70'000);
    for (;;) {
        FLOCKER_TRY(const std::size_t size, source(buffer));
        if (size == 0) return {};
        text.append(reinterpret_cast<const char*>(buffer.data()), size);
    }
}
[[nodiscard]] inline Result<std::string> read_all(const ports::Source& source) {
    std::string text;
    FLOCKER_CHECK_OK(read_to(text, source));
    return text;
}

/// Snapshots in memory; what was received whole is in `held`, and what was cut in `part`.
class MemorySnapshots final : public ports::SnapshotStreams {
public:
    Result<Bytes> measure(const model::DatasetId&, std::optional<model::SnapshotId>, model::SnapshotId) override {
        return Bytes{12345};
    }
    Status write(const model::DatasetId&, std::optional<model::SnapshotId>, model::SnapshotId to,
                 const ports::Sink& sink) override {
        const auto found = to_send.find(to);
        if (found == to_send.end()) return fail(ErrorCode::not_found, "no such snapshot");
        return write_from(found->second, 0, sink);
    }
    Status write_on(const model::DatasetId&, std::optional<model::SnapshotId>, model::SnapshotId to,
                    const ports::StreamPlace& from, const ports::Sink& sink) override {
        ++writes_on;
        FLOCKER_CHECK_OK(sink({}));
        const std::string& text = to_send[to];
        const auto at = static_cast<std::size_t>(from.offset.value);
        if (at > text.size() || digest_of(text.substr(0, at)) != from.digest)
            return fail(ErrorCode::conflict, "another stream");
        return write_from(text, at, sink);
    }
    Status read(const model::DatasetId&, model::Epoch epoch, std::optional<model::SnapshotId> base,
                model::SnapshotId to, const ports::Source& source) override {
        ++reads;
        if (before_read) before_read();
        if (refuse) return *refuse;
        return read_behind("", {epoch, base, to, {}}, source);
    }
    Result<std::optional<ports::KeptPart>> kept(const model::DatasetId&) override {
        const std::lock_guard lock(mutex_);
        return part;
    }
    Status read_on(const model::DatasetId&, const ports::KeptPart& from, const ports::Source& source) override {
        ++reads_on;
        if (refuse) return *refuse;
        return read_behind(part_text, from, source);
    }
    static std::string digest_of(const std::string& text) { return std::to_string(std::hash<std::string>{}(text)); }
    std::string held_of(const model::SnapshotId& id) {
        const std::lock_guard lock(mutex_);
        return held[id];
    }

    std::map<model::SnapshotId, std::string> to_send;
    std::map<model::SnapshotId, std::string> held;
    std::optional<Status> refuse;  ///< Instead of reading anything.
    std::function<void()> in_the_middle;
    std::function<void()> before_read;
    std::function<void()> after_read;
    std::atomic<int> reads{0};
    std::atomic<int> reads_on{0};
    std::atomic<int> writes_on{0};
    bool keeps{false};  ///< What was cut.
    std::optional<ports::KeptPart> part;
    std::string part_text;

private:
    Status write_from(const std::string& text, std::size_t at, const ports::Sink& sink) const {
        const std::string half = text.substr(at, (text.size() - at) / 2);
        FLOCKER_CHECK_OK(write_in_pieces(half, sink));
        if (in_the_middle) in_the_middle();
        return write_in_pieces(text.substr(at + half.size()), sink);
    }
    Status read_behind(std::string text, ports::KeptPart as, const ports::Source& source) {
        const Status outcome = read_to(text, source);
        const std::lock_guard lock(mutex_);
        part.reset();
        if (!outcome && keeps) {
            as.at = {Bytes{text.size()}, digest_of(text)};
            part = as;
            part_text = std::move(text);
        }
        FLOCKER_CHECK_OK(outcome);
        held[as.to] = std::move(text);
        if (after_read) after_read();
        return {};
    }

    std::mutex mutex_;
};

class MemoryEngine final : public ports::EngineStreams {
public:
    Result<bool> has_image(const std::string& image) override { return images.contains(image); }
    Status export_image(const std::string& image, const ports::Sink& sink) override {
        FLOCKER_CHECK_OK(write_in_pieces(images[image], sink));
        return export_ends;
    }
    Status import_image(const ports::Source& source) override {
        ++imports;
        FLOCKER_TRY(imported, read_all(source));
        return {};
    }
    Status logs(const model::ApplicationName& application, std::uint32_t tail, bool follow,
                const ports::Sink& sink) override {
        if (application.value != "db") return fail(ErrorCode::not_found, "no container of " + application.value);
        FLOCKER_CHECK_OK(sink(bytes_of("tail " + std::to_string(tail) + "\n")));
        while (follow) FLOCKER_CHECK_OK(sink(bytes_of("more\n")));
        return {};
    }

    std::map<std::string, std::string> images;
    Status export_ends;
    std::atomic<int> imports{0};
    std::string imported;
};

/// One snapshot, `first`, as a tree of three entries; read until `goes_on` is false.
class MemoryDigests final : public ports::SnapshotDigests {
public:
    Result<std::unique_ptr<ports::HeldTree>> hold(const model::DatasetId& asked, const model::SnapshotId& id) override {
        if (asked != dataset || id != first) return fail(ErrorCode::not_found, "no snapshot " + model::to_text(id));
        return std::make_unique<Tree>(*this);
    }

    std::atomic<int> held{0};
    std::atomic<bool> goes_on{false};
    std::optional<Error> trouble;

private:
    class Tree final : public ports::HeldTree {
    public:
        explicit Tree(MemoryDigests& digests) : digests_(digests) { ++digests_.held; }
        ~Tree() override { --digests_.held; }
        Tree(const Tree&) = delete;
        Tree& operator=(const Tree&) = delete;
        Result<ports::TreeDigest> digest(std::optional<ports::DigestRange> only,
                                         const ports::DigestListener& listener) override {
            do {
                FLOCKER_CHECK_OK(listener(ports::DigestProgress{1, Bytes{10}, 3, Bytes{30}}));
            } while (digests_.goes_on);
            for (std::uint64_t i = 0; i < 3; ++i) {
                if (only && (i < only->first || i - only->first >= only->count)) continue;
                FLOCKER_CHECK_OK(listener(ports::DigestMark{i, "file " + std::to_string(i), only ? "own" : "all"}));
            }
            if (digests_.trouble) return tl::unexpected(*digests_.trouble);
            return ports::TreeDigest{"whole", 3, Bytes{30}};
        }

    private:
        MemoryDigests& digests_;
    };
};

/// Used on the loop thread only; the test reads it when nothing is under way.
class ScriptedInbox final : public ports::ReplicaInbox {
public:
    Status admit(const ports::SnapshotOffer& offer) override {
        offers.push_back(offer);
        return answer;
    }
    void received(const ports::SnapshotOffer& offer) override { ended.push_back(offer); }
    [[nodiscard]] ports::Holdings holdings(const model::DatasetId& asked) const override {
        return asked == dataset ? ports::Holdings{model::Epoch{3}, {first, second}} : ports::Holdings{};
    }
    [[nodiscard]] Status knows(const model::NodeId& node) const override {
        if (node != removed) return {};
        return fail(ErrorCode::denied, "node " + node.value + " is no member");
    }

    Status answer;
    model::NodeId removed;
    std::vector<ports::SnapshotOffer> offers;
    std::vector<ports::SnapshotOffer> ended;
};

/// The stream that was accepted last, for as long as it lives.
struct Latest {
    std::mutex mutex;
    posix::Stream* stream{nullptr};
};

class CuttableStream final : public posix::Stream {
public:
    CuttableStream(std::unique_ptr<posix::Stream> inner, Latest& latest) : inner_(std::move(inner)), latest_(latest) {
        const std::lock_guard lock(latest_.mutex);
        latest_.stream = inner_.get();
    }
    ~CuttableStream() override {
        const std::lock_guard lock(latest_.mutex);
        if (latest_.stream == inner_.get()) latest_.stream = nullptr;
    }
    CuttableStream(const CuttableStream&) = delete;
    CuttableStream& operator=(const CuttableStream&) = delete;
    Result<std::size_t> read_some(std::span<std::byte> buffer) override { return inner_->read_some(buffer); }
    Status write_all(std::span<const std::byte> bytes) override { return inner_->write_all(bytes); }
    void finish_writing() override { inner_->finish_writing(); }
    void close() override { inner_->close(); }
    void set_idle_limit(Duration limit) override { inner_->set_idle_limit(limit); }
    [[nodiscard]] std::string peer() const override { return inner_->peer(); }

private:
    std::unique_ptr<posix::Stream> inner_;
    Latest& latest_;
};

/// A listener that counts what it accepts and can cut it.
class CuttableListener final : public posix::Listener {
public:
    explicit CuttableListener(std::unique_ptr<posix::Listener> inner) : inner_(std::move(inner)) {}
    Result<std::unique_ptr<posix::Stream>> accept() override {
        FLOCKER_TRY(auto stream, inner_->accept());
        ++accepted;
        return std::make_unique<CuttableStream>(std::move(stream), latest_);
    }
    void close() override { inner_->close(); }
    [[nodiscard]] std::uint16_t port() const override { return inner_->port(); }
    void cut_last() {
        const std::lock_guard lock(latest_.mutex);
        if (latest_.stream != nullptr) latest_.stream->close();
    }

    std::atomic<int> accepted{0};

private:
    std::unique_ptr<posix::Listener> inner_;
    Latest latest_;
};

/// alder asks, birch answers; one loop thread for both.
class TwoPeers {
public:
    TwoPeers() : looping_([this] { loop_.run(); }) {
        birch_.id = model::NodeId{tls::testing::birch};
        birch_.name = "birch";
        birch_.address = "127.0.0.1";
        birch_.data_port = listener_->port();
    }
    ~TwoPeers() {
        link_.reset();
        server_.reset();
        loop_.stop();
        looping_.join();
    }
    TwoPeers(const TwoPeers&) = delete;
    TwoPeers& operator=(const TwoPeers&) = delete;

    template <class T>
    Result<T> await(const std::function<void(Done<T>)>& call) {
        std::promise<Result<T>> promise;
        loop_.post([&] { call([&](Result<T> outcome) { promise.set_value(std::move(outcome)); }); });
        return promise.get_future().get();
    }
    Result<model::SendReceipt> send(std::optional<model::SnapshotId> base, model::SnapshotId to, bool urgent = false) {
        return await<model::SendReceipt>([&](Done<model::SendReceipt> done) {
            link_->send(
                {dataset, model::Epoch{3}, base, to, birch_, urgent},
                [this](model::SendProgress at) { progress_.push_back(at); }, std::move(done));
        });
    }
    Result<ports::Holdings> holdings(const model::DatasetId& of) {
        return await<ports::Holdings>(
            [&](Done<ports::Holdings> done) { link_->holdings(birch_, of, std::move(done)); });
    }
    Status fetch(const std::string& image) {
        return await<void>([&](Done<void> done) { link_->fetch_image(birch_, image, std::move(done)); });
    }
    /// What ran on the loop so far is visible, and nothing of it is under way.
    void settle() {
        std::promise<void> ran;
        loop_.post([&] { ran.set_value(); });
        ran.get_future().wait();
    }
    [[nodiscard]] tls::ExpectedPeer birch_itself() const { return tls::peer_is("node:" + birch_.id.value); }
    [[nodiscard]] std::unique_ptr<posix::Stream> connect_as(const tls::TlsContext& who) const {
        auto stream = value_of(who.connect("127.0.0.1", listener_->port(), 5s, birch_itself()));
        stream->set_idle_limit(10s);
        return stream;
    }

    posix::EventLoop loop_;
    std::thread looping_;
    TestCluster cluster_;
    tls::TlsContext alder_tls_ = cluster_.node(tls::testing::alder);
    MemorySnapshots near_;
    MemorySnapshots far_;
    MemoryEngine near_engine_;
    MemoryEngine far_engine_;
    MemoryDigests far_digests_;
    ScriptedInbox inbox_;
    std::unique_ptr<CuttableListener> listener_ = std::make_unique<CuttableListener>(
        value_of(cluster_.node(tls::testing::birch).listen("127.0.0.1", 0, tls::ClientCertificates::required)));
    model::Node birch_;
    std::vector<model::SendProgress> progress_;
    std::optional<PeerServer> server_{std::in_place, *listener_, Answering{loop_, inbox_, far_, far_engine_, &far_digests_}};
    std::optional<PeerLink> link_{std::in_place, loop_, alder_tls_.connector([](const std::string&) { return true; }),
                                  near_, near_engine_};
};

}  // namespace flocker::peer::testing
