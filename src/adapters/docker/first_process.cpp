// SPDX-License-Identifier: Apache-2.0
#include "adapters/docker/first_process.hpp"

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <climits>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <sstream>
#include <string_view>
#include <vector>

#include "adapters/posix/files.hpp"

namespace flocker::docker {
namespace {

/// The engine's own first process, on wish in front of the command.
constexpr std::string_view engines_init = "/sbin/docker-init";
constexpr std::size_t proc_file_max = std::size_t{1} << 20U;

std::string proc(int pid, const char* what) {
    return "/proc/" + std::to_string(pid) + "/" + what;
}

/// Empty: there is nothing, or the process has just ended.
std::string read_all(const std::string& path) {
    return posix::read_file(path, proc_file_max).value_or("");
}

/// The program that runs, by its path in the container. Empty: it can't be told, as of a process that has ended, or
/// it is still the runtime's own, which has prepared the container and executes the program next.
std::string program_of(int pid) {
    // First: what was not the runtime then has not become it since.
    if (read_all(proc(pid, "comm")).starts_with("runc:[")) return {};
    char path[PATH_MAX];
    const ssize_t size = ::readlink(proc(pid, "exe").c_str(), path, sizeof path);
    if (size < 0) return {};
    std::string program(path, static_cast<std::size_t>(size));
    return program.starts_with("/memfd:runc") ? std::string{} : program;
}

std::vector<int> children_of(int pid) {
    std::istringstream file(read_all(proc(pid, ("task/" + std::to_string(pid) + "/children").c_str())));
    return {std::istream_iterator<int>(file), {}};
}

int signal_by_name(std::string_view name) {
    for (int number = 1; number < SIGSYS + 1; ++number) {
        const char* abbreviation = ::sigabbrev_np(number);
        if (abbreviation != nullptr && name == abbreviation) return number;
    }
    return 0;
}

}  // namespace

std::shared_ptr<FirstProcess> FirstProcess::find(int pid, const std::string& container) {
    if (pid <= 0 || container.empty()) return nullptr;
    posix::Fd process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    if (!process) return nullptr;
    if (read_all(proc(pid, "cgroup")).find(container) == std::string::npos) return nullptr;
    // What was read is about this process if it had its number until now, or has ended with it.
    std::shared_ptr<FirstProcess> found(new FirstProcess(pid, std::move(process)));
    if (found->has_ended() && read_all(proc(pid, "cgroup")).find(container) == std::string::npos) return nullptr;
    return found;
}

bool FirstProcess::ends_within(Duration limit) const {
    pollfd waiting{process_.get(), POLLIN, 0};
    const auto left = std::max(limit, Duration::zero()).count();
    const timespec time{static_cast<time_t>(left / 1'000'000'000), static_cast<long>(left % 1'000'000'000)};
    return ::ppoll(&waiting, 1, &time, nullptr) > 0;
}

bool FirstProcess::send(int signal) const {
    return ::syscall(SYS_pidfd_send_signal, process_.get(), signal, nullptr, 0) == 0 || errno == ESRCH;
}

std::optional<bool> FirstProcess::heeds(int signal) const {
    if (signal == SIGKILL || signal == SIGSTOP) return true;
    // Blocked: it waits for it, as an init does.
    std::istringstream status(read_all(proc(pid_, "status")));
    unsigned found = 0;
    bool heeded = false;
    for (std::string line; std::getline(status, line);) {
        if (!line.starts_with("SigBlk:") && !line.starts_with("SigCgt:")) continue;
        std::uint64_t mask = 0;
        const char* const begin = line.data() + line.find_first_not_of(" \t", 7);
        const auto [end, error] = std::from_chars(begin, line.data() + line.size(), mask, 16);
        if (error != std::errc{} || end != line.data() + line.size()) return std::nullopt;
        heeded = heeded || ((mask >> static_cast<unsigned>(signal - 1)) & 1U) != 0;
        ++found;
    }
    if (found != 2 || has_ended()) return std::nullopt;
    return heeded;
}

bool FirstProcess::has_passed(const std::string& gate) const {
    if (passed_) return true;
    const auto has_begun = [&](const std::string& program) { return !program.empty() && !program.starts_with(gate); };
    const std::string program = program_of(pid_);
    bool passed = has_begun(program);
    if (passed && program.starts_with(engines_init)) {
        const std::vector<int> children = children_of(pid_);
        passed = !children.empty() && std::ranges::all_of(children, [&](int child) {
            const std::string of_child = program_of(child);
            return has_begun(of_child) && !of_child.starts_with(engines_init);
        });
    }
    // Only then was all of it read from this process.
    if (passed && !has_ended()) passed_ = true;
    return passed_;
}

std::optional<int> signal_number(const std::string& name) {
    std::string word = name;
    std::ranges::transform(word, word.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    if (word.starts_with("SIG")) word.erase(0, 3);
    int offset = 0;
    // The engine counts from here on all systems, whatever its libc keeps for itself.
    constexpr int rtmin = 34;
    constexpr int rtmax = 64;
    const auto parsed = [](std::string_view text, int& value) {
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
        return error == std::errc{} && end == text.data() + text.size();
    };
    int number = 0;
    if (parsed(word, offset)) {
        number = offset;
    } else if (word == "RTMIN" || (word.starts_with("RTMIN+") && parsed(word.substr(6), offset))) {
        number = rtmin + offset;
    } else if (word == "RTMAX" || (word.starts_with("RTMAX-") && parsed(word.substr(6), offset))) {
        number = rtmax - offset;
    } else {
        number = signal_by_name(word);
    }
    if (number < 1 || number > rtmax) return std::nullopt;
    return number;
}

}  // namespace flocker::docker
