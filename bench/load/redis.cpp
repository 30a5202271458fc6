// SPDX-License-Identifier: Apache-2.0
//
// Rows are the entries of the stream `rows`: entry NUMBER-0. Those of others are strings `other:N`, and filling goes
// to strings `filler:N`.
#include <hiredis/hiredis.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <initializer_list>
#include <memory>
#include <string_view>
#include <thread>
#include <vector>

#include "load/database.hpp"
#include "load/noise.hpp"
#include "load/tcp.hpp"

namespace flocker::load {
namespace {

struct FreeContext {
    void operator()(redisContext* context) const { redisFree(context); }
};
struct FreeReply {
    void operator()(redisReply* reply) const { freeReplyObject(reply); }
};
using Reply = std::unique_ptr<redisReply, FreeReply>;

std::uint64_t number_of(const redisReply& id) {
    std::uint64_t number = 0;
    std::from_chars(id.str, id.str + id.len, number);
    return number;
}

class Redis final : public Database {
public:
    explicit Redis(Target target) : target_(std::move(target)) {}

    Attempt connect() override {
        disconnect();
        int socket = -1;
        if (Attempt made = connect_tcp(target_, socket); made.outcome != Outcome::done) return made;
        context_.reset(redisConnectFd(socket));
        if (!context_) return {Outcome::failed, "out of memory"};
        const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(target_.patience);
        redisSetTimeout(context_.get(), timeval{seconds.count(), 0});
        errno = 0;
        Reply reply = ask({"PING"});
        if (reply && reply->type != REDIS_REPLY_ERROR) return {};
        Attempt outcome = reply ? Attempt{Outcome::failed, reply->str}
                                : while_new(context_->err == REDIS_ERR_IO ? errno : 0);
        disconnect();
        return outcome;
    }

    void disconnect() override { context_.reset(); }

    Attempt prepare(std::uint64_t& highest) override {
        Reply reply = ask({"XREVRANGE", "rows", "+", "-", "COUNT", "1"});
        if (Attempt outcome = judge(reply); outcome.outcome != Outcome::done) return outcome;
        highest = reply->elements == 0 ? 0 : number_of(*reply->element[0]->element[0]);
        return {};
    }

    Attempt write(std::uint64_t row, const std::string& payload) override {
        return judge(ask({"XADD", "rows", std::to_string(row) + "-0", "payload", payload}));
    }

    Attempt overwrite(std::uint64_t row, const std::string& payload) override {
        return judge(ask({"SET", "other:" + std::to_string(row), payload}));
    }

    /// Redis tells nobody when it has made its log anew: it has to be asked.
    Attempt forget(std::uint64_t below) override {
        Attempt outcome = judge(ask({"XTRIM", "rows", "MINID", std::to_string(below) + "-0"}));
        if (outcome.outcome != Outcome::done) return outcome;
        if (outcome = judge(ask({"BGREWRITEAOF"})); outcome.outcome != Outcome::done) return outcome;
        const auto deadline = std::chrono::steady_clock::now() + target_.patience;
        while (std::chrono::steady_clock::now() < deadline) {
            Reply reply = ask({"INFO", "persistence"});
            if (outcome = judge(reply); outcome.outcome != Outcome::done) return outcome;
            const std::string_view said{reply->str, reply->len};
            const auto says = [&](std::string_view words) { return said.find(words) != std::string_view::npos; };
            if (says("aof_rewrite_in_progress:0") && says("aof_rewrite_scheduled:0")) return {};
            std::this_thread::sleep_for(std::chrono::milliseconds{5});
        }
        return {Outcome::failed, "the log was not made anew in time"};
    }

    Attempt read_all(const std::function<void(std::uint64_t)>& found) override {
        std::string from = "-";
        for (;;) {
            Reply reply = ask({"XRANGE", "rows", from, "+", "COUNT", "5000"});
            if (Attempt outcome = judge(reply); outcome.outcome != Outcome::done) return outcome;
            if (reply->elements == 0) return {};
            std::uint64_t last = 0;
            for (std::size_t i = 0; i < reply->elements; ++i) {
                last = number_of(*reply->element[i]->element[0]);
                found(last);
            }
            from = std::to_string(last + 1);
        }
    }

    Attempt fill(std::uint64_t bytes) override {
        Noise noise;
        std::string block;
        for (std::uint64_t left = bytes; left > 0; left -= block.size()) {
            block.resize(std::min<std::uint64_t>(left, 1 << 20));
            noise.fill(block);
            Reply next = ask({"INCR", "filler"});
            if (Attempt outcome = judge(next); outcome.outcome != Outcome::done) return outcome;
            Attempt outcome = judge(ask({"SET", "filler:" + std::to_string(next->integer), block}));
            if (outcome.outcome != Outcome::done) return outcome;
        }
        return {};
    }

private:
    Reply ask(const std::vector<std::string>& words) {
        std::vector<const char*> texts;
        std::vector<std::size_t> sizes;
        for (const std::string& word : words) {
            texts.push_back(word.data());
            sizes.push_back(word.size());
        }
        return Reply{static_cast<redisReply*>(
            redisCommandArgv(context_.get(), static_cast<int>(words.size()), texts.data(), sizes.data()))};
    }

    Attempt judge(const Reply& reply) {
        if (reply && reply->type != REDIS_REPLY_ERROR) return {};
        Attempt outcome{Outcome::failed, reply ? reply->str : context_->errstr};
        disconnect();
        return outcome;
    }

    Target target_;
    std::unique_ptr<redisContext, FreeContext> context_;
};

}  // namespace

std::unique_ptr<Database> make_redis(const Target& target) { return std::make_unique<Redis>(target); }

}  // namespace flocker::load
