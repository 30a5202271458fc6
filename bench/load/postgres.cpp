// SPDX-License-Identifier: Apache-2.0
//
// Rows are in the table `rows`, those of others in `others`, one and the place for its next version in a page;
// filling goes to the table `filler`, in rows that four of fit a page.
#include <arpa/inet.h>
#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <string_view>

#include "load/database.hpp"
#include "load/noise.hpp"
#include "load/tcp.hpp"

namespace flocker::load {
namespace {

struct Finish {
    void operator()(PGconn* connection) const { PQfinish(connection); }
};
struct Clear {
    void operator()(PGresult* result) const { PQclear(result); }
};
using Answer = std::unique_ptr<PGresult, Clear>;

std::string first_line(std::string_view text) { return std::string{text.substr(0, text.find('\n'))}; }

/// libpq tells what happened to a new connection in words only. They are the C library's, in the C
/// locale, and its own.
Attempt judge_new_connection(const std::string& message) {
    const auto says = [&](std::string_view words) { return message.find(words) != std::string::npos; };
    if (says("Connection refused")) return {Outcome::refused, first_line(message)};
    if (says("Connection reset") || says("Broken pipe") || says("server closed the connection")) {
        return {Outcome::reset, first_line(message)};
    }
    return {Outcome::failed, first_line(message)};
}

void append_be32(std::string& to, std::uint32_t number) {
    const std::uint32_t wire = htonl(number);
    to.append(reinterpret_cast<const char*>(&wire), sizeof wire);
}

void append_be16(std::string& to, std::uint16_t number) {
    const std::uint16_t wire = htons(number);
    to.append(reinterpret_cast<const char*>(&wire), sizeof wire);
}

class Postgres final : public Database {
public:
    explicit Postgres(Target target) : target_(std::move(target)) {}

    Attempt connect() override {
        disconnect();
        const std::string port = std::to_string(target_.port);
        const std::string seconds =
            std::to_string(std::chrono::duration_cast<std::chrono::seconds>(target_.patience).count());
        const std::array names{"host", "port", "user", "dbname", "connect_timeout", "options", "sslmode",
                               "gssencmode", static_cast<const char*>(nullptr)};
        const std::array values{target_.host.c_str(), port.c_str(), "postgres", "postgres", seconds.c_str(),
                                "-c synchronous_commit=on", "disable", "disable", static_cast<const char*>(nullptr)};
        connection_.reset(PQconnectdbParams(names.data(), values.data(), 0));
        // What exists already, that the server ends: the next answer tells what matters of it.
        PQsetNoticeProcessor(connection_.get(), [](void*, const char*) {}, nullptr);
        if (PQstatus(connection_.get()) == CONNECTION_OK) return {};
        Attempt outcome = judge_new_connection(PQerrorMessage(connection_.get()));
        disconnect();
        return outcome;
    }

    void disconnect() override { connection_.reset(); }

    Attempt prepare(std::uint64_t& highest) override {
        Attempt made = execute("create table if not exists rows "
                               "(n bigint primary key, payload text, at timestamptz not null default now());"
                               "create table if not exists others "
                               "(n bigint primary key, payload text not null) with (fillfactor = 50);"
                               "alter table others alter column payload set storage plain");
        if (made.outcome != Outcome::done) return made;
        Answer answer;
        if (Attempt asked = ask("select coalesce(max(n), 0) from rows", {}, answer); asked.outcome != Outcome::done) {
            return asked;
        }
        highest = std::stoull(PQgetvalue(answer.get(), 0, 0));
        return {};
    }

    Attempt write(std::uint64_t row, const std::string& payload) override {
        const std::string number = std::to_string(row);
        Answer answer;
        return ask("insert into rows (n, payload) values ($1, $2)", {number.c_str(), payload.c_str()}, answer);
    }

    Attempt overwrite(std::uint64_t row, const std::string& payload) override {
        const std::string number = std::to_string(row);
        Answer answer;
        return ask("insert into others (n, payload) values ($1, $2) "
                   "on conflict (n) do update set payload = excluded.payload",
                   {number.c_str(), payload.c_str()}, answer);
    }

    Attempt forget(std::uint64_t below) override {
        const std::string number = std::to_string(below);
        Answer answer;
        return ask("delete from rows where n < $1", {number.c_str(), nullptr}, answer);
    }

    Attempt read_all(const std::function<void(std::uint64_t)>& found) override {
        std::string after = "0";
        for (;;) {
            Answer answer;
            Attempt asked = ask("select n from rows where n > $1 order by n limit 50000", {after.c_str(), nullptr}, answer);
            if (asked.outcome != Outcome::done) return asked;
            const int count = PQntuples(answer.get());
            if (count == 0) return {};
            for (int i = 0; i < count; ++i) found(std::stoull(PQgetvalue(answer.get(), i, 0)));
            after = PQgetvalue(answer.get(), count - 1, 0);
        }
    }

    Attempt fill(std::uint64_t bytes) override {
        // The server would read and write all of it once more, minutes later, to note that the rows stay.
        Attempt made = execute("create table if not exists filler (data bytea storage plain) "
                               "with (autovacuum_enabled = false)");
        // An older server takes the storage in a statement of its own.
        if (made.outcome != Outcome::done) {
            if (made = connect(); made.outcome != Outcome::done) return made;
            made = execute("create table if not exists filler (data bytea) with (autovacuum_enabled = false);"
                           "alter table filler alter column data set storage plain");
        }
        for (std::uint64_t left = bytes; made.outcome == Outcome::done && left > 0;) {
            const std::uint64_t part = std::min<std::uint64_t>(left, 64 << 20);
            made = copy(part);
            left -= part;
        }
        return made.outcome == Outcome::done ? execute("checkpoint") : made;
    }

private:
    using Parameters = std::array<const char*, 2>;

    /// One statement, or several without parameters.
    Attempt execute(const char* sql) {
        Answer answer{PQexec(connection_.get(), sql)};
        return judge(answer);
    }

    /// As PQexecParams, but it does not wait for an answer for ever. A parameter that is nullptr
    /// ends the list.
    Attempt ask(const char* sql, const Parameters& parameters, Answer& answer) {
        const auto count = std::ranges::find(parameters, nullptr) - parameters.begin();
        if (PQsendQueryParams(connection_.get(), sql, static_cast<int>(count), nullptr, parameters.data(), nullptr,
                              nullptr, 0) != 1) {
            return broken();
        }
        while (PQisBusy(connection_.get()) == 1) {
            if (!wait_for(PQsocket(connection_.get()), POLLIN, target_.patience)) {
                disconnect();
                return {Outcome::failed, "no answer in time"};
            }
            if (PQconsumeInput(connection_.get()) != 1) return broken();
        }
        answer.reset(PQgetResult(connection_.get()));
        while (Answer{PQgetResult(connection_.get())}) {}
        return judge(answer);
    }

    /// One transaction of rows in COPY's binary format.
    Attempt copy(std::uint64_t bytes) {
        constexpr std::uint32_t row_size = 1990;
        Answer started{PQexec(connection_.get(), "copy filler (data) from stdin (format binary)")};
        if (PQresultStatus(started.get()) != PGRES_COPY_IN) return broken();
        std::string wire{"PGCOPY\n\377\r\n\0", 11};
        append_be32(wire, 0);
        append_be32(wire, 0);
        std::string data(row_size, '\0');
        for (std::uint64_t sent = 0; sent < bytes; sent += row_size) {
            noise_.fill(data);
            append_be16(wire, 1);
            append_be32(wire, row_size);
            wire += data;
            if (wire.size() < (1 << 20)) continue;
            if (!put(wire)) return broken();
        }
        append_be16(wire, 0xffff);
        if (!put(wire) || PQputCopyEnd(connection_.get(), nullptr) != 1) return broken();
        Answer ended{PQgetResult(connection_.get())};
        while (Answer{PQgetResult(connection_.get())}) {}
        return judge(ended);
    }

    bool put(std::string& wire) {
        const bool sent = PQputCopyData(connection_.get(), wire.data(), static_cast<int>(wire.size())) == 1;
        wire.clear();
        return sent;
    }

    Attempt judge(const Answer& answer) {
        const ExecStatusType status = PQresultStatus(answer.get());
        return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK ? Attempt{} : broken();
    }

    Attempt broken() {
        Attempt outcome{Outcome::failed, first_line(PQerrorMessage(connection_.get()))};
        disconnect();
        return outcome;
    }

    Target target_;
    std::unique_ptr<PGconn, Finish> connection_;
    Noise noise_;
};

}  // namespace

std::unique_ptr<Database> make_postgres(const Target& target) { return std::make_unique<Postgres>(target); }

}  // namespace flocker::load
