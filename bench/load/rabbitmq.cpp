// SPDX-License-Identifier: Apache-2.0
//
// Rows are messages of the durable queue `rows`, persistent and confirmed: "NUMBER PAYLOAD". Filling goes to the
// queue `filler`.
#include <amqp.h>
#include <amqp_tcp_socket.h>
#include <fcntl.h>
#include <sys/time.h>

#include <algorithm>
#include <charconv>
#include <cerrno>
#include <memory>
#include <string_view>

#include "load/database.hpp"
#include "load/noise.hpp"
#include "load/tcp.hpp"

namespace flocker::load {
namespace {

constexpr amqp_channel_t channel = 1;
constexpr int frame_bytes_max = 131072;

struct Destroy {
    void operator()(amqp_connection_state_t state) const { amqp_destroy_connection(state); }
};
using Connection = std::unique_ptr<amqp_connection_state_t_, Destroy>;

amqp_bytes_t bytes_of(std::string_view text) {
    return {text.size(), const_cast<char*>(text.data())};  // NOLINT: the library does not write to it.
}

timeval timeval_of(std::chrono::milliseconds duration) {
    return {duration.count() / 1000, duration.count() % 1000 * 1000};
}

class RabbitMq final : public Database {
public:
    explicit RabbitMq(Target target) : target_(std::move(target)) {}

    Attempt connect() override {
        disconnect();
        int socket = -1;
        if (Attempt made = connect_tcp(target_, socket); made.outcome != Outcome::done) return made;
        fcntl(socket, F_SETFL, fcntl(socket, F_GETFL) | O_NONBLOCK);  // The library waits by itself, for so long as it may.
        connection_.reset(amqp_new_connection());
        amqp_tcp_socket_set_sockfd(amqp_tcp_socket_new(connection_.get()), socket);
        const timeval patience = timeval_of(target_.patience);
        amqp_set_handshake_timeout(connection_.get(), &patience);
        amqp_set_rpc_timeout(connection_.get(), &patience);
        const amqp_rpc_reply_t login = amqp_login(connection_.get(), "/", 1, frame_bytes_max, 0, AMQP_SASL_METHOD_PLAIN,
                                                  "guest", "guest");
        if (Attempt outcome = judge(login); outcome.outcome != Outcome::done) {
            // Closed without a word: what listened there was not ready yet, or was about to end.
            const bool closed = login.library_error == AMQP_STATUS_CONNECTION_CLOSED ||
                                login.library_error == AMQP_STATUS_SOCKET_ERROR;
            return closed ? Attempt{Outcome::reset, outcome.message} : outcome;
        }
        amqp_channel_open(connection_.get(), channel);
        if (Attempt outcome = judge(); outcome.outcome != Outcome::done) return outcome;
        amqp_confirm_select(connection_.get(), channel);
        return judge();
    }

    void disconnect() override { connection_.reset(); }

    /// Nobody can ask a queue for its newest message: numbers begin behind those that are in the file of acknowledged ones.
    Attempt prepare(std::uint64_t& highest) override {
        highest = 0;
        std::uint32_t messages = 0;
        return declare("rows", messages);
    }

    Attempt write(std::uint64_t row, const std::string& payload) override {
        return publish("rows", std::to_string(row) + ' ' + payload);
    }

    Attempt overwrite(std::uint64_t, const std::string&) override { return {Outcome::failed, "a queue only grows"}; }
    Attempt forget(std::uint64_t) override { return {Outcome::failed, "the queue forgets nothing"}; }

    /// They are not acknowledged, so they are in the queue again when the connection is gone.
    Attempt read_all(const std::function<void(std::uint64_t)>& found) override {
        std::uint32_t messages = 0;
        if (Attempt declared = declare("rows", messages); declared.outcome != Outcome::done) return declared;
        amqp_basic_consume(connection_.get(), channel, bytes_of("rows"), amqp_empty_bytes, 0, 0, 0, amqp_empty_table);
        if (Attempt begun = judge(); begun.outcome != Outcome::done) return begun;
        const timeval patience = timeval_of(target_.patience);
        for (std::uint32_t i = 0; i < messages; ++i) {
            amqp_maybe_release_buffers(connection_.get());
            amqp_envelope_t envelope{};
            const Attempt outcome = judge(amqp_consume_message(connection_.get(), &envelope, &patience, 0));
            if (outcome.outcome != Outcome::done) return outcome;
            const auto* text = static_cast<const char*>(envelope.message.body.bytes);
            std::uint64_t row = 0;
            std::from_chars(text, text + envelope.message.body.len, row);
            found(row);
            amqp_destroy_envelope(&envelope);
        }
        disconnect();
        return {};
    }

    Attempt fill(std::uint64_t bytes) override {
        std::uint32_t messages = 0;
        if (Attempt declared = declare("filler", messages); declared.outcome != Outcome::done) return declared;
        Noise noise;
        std::string block;
        for (std::uint64_t left = bytes; left > 0; left -= block.size()) {
            block.resize(std::min<std::uint64_t>(left, 1 << 20));
            noise.fill(block);
            if (Attempt outcome = publish("filler", block); outcome.outcome != Outcome::done) return outcome;
        }
        return {};
    }

private:
    Attempt declare(std::string_view queue, std::uint32_t& messages) {
        const amqp_queue_declare_ok_t* answer =
            amqp_queue_declare(connection_.get(), channel, bytes_of(queue), 0, 1, 0, 0, amqp_empty_table);
        if (!answer) return judge();
        messages = answer->message_count;
        return {};
    }

    /// Until the broker has it on its disk.
    Attempt publish(std::string_view queue, std::string_view body) {
        amqp_basic_properties_t properties{};
        properties._flags = AMQP_BASIC_DELIVERY_MODE_FLAG;
        properties.delivery_mode = AMQP_DELIVERY_PERSISTENT;
        const int sent = amqp_basic_publish(connection_.get(), channel, amqp_empty_bytes, bytes_of(queue), 0, 0,
                                            &properties, bytes_of(body));
        if (sent != AMQP_STATUS_OK) return broken(amqp_error_string2(sent));
        amqp_maybe_release_buffers(connection_.get());
        const timeval patience = timeval_of(target_.patience);
        amqp_frame_t frame{};
        const int got = amqp_simple_wait_frame_noblock(connection_.get(), &frame, &patience);
        if (got != AMQP_STATUS_OK) return broken(amqp_error_string2(got));
        const bool confirmed = frame.frame_type == AMQP_FRAME_METHOD && frame.payload.method.id == AMQP_BASIC_ACK_METHOD;
        return confirmed ? Attempt{} : broken("the broker did not take the message");
    }

    Attempt judge() { return judge(amqp_get_rpc_reply(connection_.get())); }

    Attempt judge(const amqp_rpc_reply_t& reply) {
        if (reply.reply_type == AMQP_RESPONSE_NORMAL) return {};
        if (reply.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION) return broken(amqp_error_string2(reply.library_error));
        return broken("the broker says no");
    }

    Attempt broken(const std::string& message) {
        disconnect();
        return {Outcome::failed, message};
    }

    Target target_;
    Connection connection_;
};

}  // namespace

std::unique_ptr<Database> make_rabbitmq(const Target& target) { return std::make_unique<RabbitMq>(target); }

}  // namespace flocker::load
