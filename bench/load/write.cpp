// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <fmt/core.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <fstream>
#include <mutex>
#include <thread>

#include "load/commands.hpp"
#include "load/others.hpp"
#include "load/statistics.hpp"

namespace flocker::load {
namespace {

void print_line(const std::string& line) {
    fmt::print("{}\n", line);
    std::fflush(stdout);
}

/// The acknowledged numbers, and when: "ROW SECONDS", since 1970. Each is in the file before the next row is
/// written, whatever happens to this process.
class Acks {
public:
    /// The highest number in the file, 0 if there is none; errno text in `error` if it can't be written.
    std::uint64_t open(const std::string& path, std::string& error) {
        if (path.empty()) return 0;
        std::uint64_t highest = 0;
        std::ifstream before{path};
        for (const std::uint64_t row : read_acks(before)) highest = std::max(highest, row);
        file_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
        if (file_ < 0) error = path + " can't be written";
        return highest;
    }

    void add(std::uint64_t row) const {
        if (file_ < 0) return;
        const auto now = WallClock::now().time_since_epoch();
        const std::string line =
            fmt::format("{} {:.6f}\n", row, std::chrono::duration<double>(now).count());
        if (::write(file_, line.data(), line.size()) != static_cast<ssize_t>(line.size())) {
            fmt::print(stderr, "load: the file of acknowledged numbers can't be written any more\n");
            std::_Exit(2);  // A number that is not noted could be lost without anybody noticing.
        }
    }

private:
    int file_{-1};
};

/// The thread that writes. It may be held in a call for as long as the database likes, so whoever
/// asks for figures does not wait for it.
class Writer {
public:
    Writer(const Arguments& arguments, std::unique_ptr<Database> database, Acks acks, std::uint64_t highest)
        : arguments_(arguments), database_(std::move(database)), acks_(acks),
          payload_(noise_text(arguments.payload)), row_(highest), statistics_(Clock::now(), WallClock::now()) {
        thread_ = std::thread{[this] { run(); }};
    }

    Window mark(std::string name) {
        const std::lock_guard lock{mutex_};
        return statistics_.mark(std::move(name), Clock::now(), WallClock::now());
    }

    /// Ends after the row that is being written, or without it if it is held for longer than a second.
    Window finish() {
        stop_ = true;
        const auto deadline = Clock::now() + std::chrono::seconds{1};
        while (!ended_ && Clock::now() < deadline) std::this_thread::sleep_for(std::chrono::milliseconds{1});
        if (ended_) {
            thread_.join();
        } else {
            thread_.detach();
        }
        const std::lock_guard lock{mutex_};
        return statistics_.total(Clock::now(), WallClock::now());
    }

private:
    void run() {
        bool prepared = false;
        bool connected = false;
        auto due = Clock::now();
        while (!stop_) {
            std::this_thread::sleep_until(due);
            due = Clock::now() + arguments_.retry;
            if (!connected && !succeeded(database_->connect())) continue;
            connected = true;
            if (!prepared) {
                std::uint64_t highest = 0;
                connected = prepared = succeeded(database_->prepare(highest));
                if (!prepared) continue;
                row_ = std::max(row_, highest);
                others_.emplace(arguments_, [this](const Attempt& attempt) { note_of_others(attempt); });
            }
            const auto begun = Clock::now();
            connected = write_one(begun);
            if (!connected) continue;
            due = begun + arguments_.interval;
            if (arguments_.connect_each) {
                database_->disconnect();
                connected = false;
            }
        }
        ended_ = true;
    }

    /// A number whose writing failed is not used again: nobody knows whether it is there.
    bool write_one(Clock::time_point begun) {
        ++row_;
        const Attempt attempt = database_->write(row_, payload_);
        if (!succeeded(attempt)) return false;
        acks_.add(row_);
        const std::lock_guard lock{mutex_};
        statistics_.acknowledged(begun, Clock::now());
        if (!writing_) print_line(R"({"event":"writing"})");
        writing_ = true;
        return true;
    }

    void note_of_others(const Attempt& attempt) {
        const std::lock_guard lock{mutex_};
        if (attempt.outcome == Outcome::done) {
            statistics_.acknowledged_to_others();
        } else {
            statistics_.failed(attempt);
        }
    }

    bool succeeded(const Attempt& attempt) {
        if (attempt.outcome == Outcome::done) return true;
        const std::lock_guard lock{mutex_};
        statistics_.failed(attempt);
        return false;
    }

    const Arguments arguments_;
    const std::unique_ptr<Database> database_;
    const Acks acks_;
    const std::string payload_;
    std::uint64_t row_;
    bool writing_{false};
    std::mutex mutex_;
    Statistics statistics_;
    std::optional<Others> others_;
    std::atomic<bool> stop_{false};
    std::atomic<bool> ended_{false};
    std::thread thread_;
};

/// What people and scripts say: lines on standard input, and signals.
class Commands {
public:
    Commands() {
        sigset_t signals;
        sigemptyset(&signals);
        for (const int number : {SIGUSR1, SIGTERM, SIGINT}) sigaddset(&signals, number);
        pthread_sigmask(SIG_BLOCK, &signals, nullptr);
        signals_ = signalfd(-1, &signals, SFD_CLOEXEC);
        struct stat status{};
        fstat(STDIN_FILENO, &status);
        pipe_ = S_ISFIFO(status.st_mode) || S_ISSOCK(status.st_mode);
    }

    /// The next one, as a line: "mark NAME", "quit". "quit" when `until` has come.
    std::string next(std::optional<Clock::time_point> until) {
        for (;;) {
            if (const auto end = unread_.find('\n'); end != std::string::npos) {
                std::string line = unread_.substr(0, end);
                unread_.erase(0, end + 1);
                return line;
            }
            pollfd entries[]{{signals_, POLLIN, 0}, {input_open_ ? STDIN_FILENO : -1, POLLIN, 0}};
            int left = -1;
            if (until) {
                const auto duration = std::chrono::ceil<std::chrono::milliseconds>(*until - Clock::now());
                if (duration.count() <= 0) return "quit";
                left = static_cast<int>(duration.count());
            }
            if (poll(entries, 2, left) <= 0) continue;
            if (entries[0].revents != 0) return from_signal();
            if (entries[1].revents != 0) read_input();
        }
    }

private:
    std::string from_signal() {
        signalfd_siginfo info{};
        if (read(signals_, &info, sizeof info) != sizeof info) return "quit";
        return info.ssi_signo == SIGUSR1 ? "mark signal-" + std::to_string(++marks_) : "quit";
    }

    /// Whoever held the other end of a pipe is gone: end too. A terminal or /dev/null says nothing by
    /// its end.
    void read_input() {
        char block[256];
        const ssize_t got = read(STDIN_FILENO, block, sizeof block);
        if (got > 0) {
            unread_.append(block, static_cast<std::size_t>(got));
            return;
        }
        input_open_ = false;
        if (pipe_) unread_ += "quit\n";
    }

    int signals_{-1};
    bool pipe_{false};
    bool input_open_{true};
    unsigned marks_{0};
    std::string unread_;
};

}  // namespace

int write_rows(const Arguments& arguments) {
    auto database = make_database(arguments.target);
    Acks acks;
    std::string error = database ? "" : "no such database: " + arguments.target.kind;
    const std::uint64_t highest = acks.open(arguments.acks, error);
    if (!error.empty()) {
        fmt::print(stderr, "load: {}\n", error);
        return 2;
    }
    Commands commands;  // Blocks the signals, for the writer's thread as well.
    std::optional<Clock::time_point> until;
    if (arguments.seconds) until = Clock::now() + *arguments.seconds;
    Writer writer{arguments, std::move(database), acks, highest};
    for (;;) {
        const std::string line = commands.next(until);
        if (line == "quit") break;
        if (line.starts_with("mark ")) {
            print_line(to_json("window", writer.mark(line.substr(5))));
        } else {
            fmt::print(stderr, "load: '{}' is not understood; say mark NAME or quit\n", line);
        }
    }
    print_line(to_json("total", writer.finish()));
    // The writer may still be held in a call to the database.
    std::_Exit(0);
}

}  // namespace flocker::load
