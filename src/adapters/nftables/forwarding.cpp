// SPDX-License-Identifier: Apache-2.0
#include "adapters/nftables/forwarding.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <fstream>
#include <string>
#include <vector>

#include "adapters/nftables/netlink.hpp"
#include "adapters/posix/fd.hpp"

namespace flocker::nftables {
namespace {

Status ensure_sysctl(const std::string& path, std::string& found) {
    std::string value;
    std::ifstream(path) >> value;
    if (value == "1") return {};
    found = path + " was " + value;
    std::ofstream file(path);
    file << "1\n" << std::flush;
    if (!file) return fail(ErrorCode::unavailable, path + " can't be set to 1");
    return {};
}

struct Outcome {
    int exit_code{-1};  ///< -1: it could not be started, or a signal ended it.
    std::string output;
};

Outcome run_iptables(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"iptables", "-w", "5"});
    std::vector<char*> argv;
    argv.reserve(arguments.size() + 1);
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);

    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0) return {};
    posix::Fd read_end(ends[0]);
    posix::Fd write_end(ends[1]);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, write_end.get(), STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    pid_t child = -1;
    const int started = posix_spawnp(&child, "iptables", &actions, nullptr, argv.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    write_end.reset();
    if (started != 0) return {};

    Outcome outcome;
    std::array<char, 4096> buffer;  // NOLINT: filled by read
    for (;;) {
        const auto got = read(read_end.get(), buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) break;
        outcome.output.append(buffer.data(), static_cast<std::size_t>(got));
    }
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    if (WIFEXITED(status)) outcome.exit_code = WEXITSTATUS(status);
    return outcome;
}

std::vector<std::string> leave(std::string verb, std::string chain) {
    return {std::move(verb), std::move(chain), "-m",      "conntrack", "--ctstate", "DNAT", "-m",
            "comment",       "--comment",      "flocker", "-j",        "ACCEPT"};
}

Status ensure_leave(const std::string& chain, std::string& found) {
    if (run_iptables(leave("-C", chain)).exit_code == 0) return {};
    found = "chain " + chain + " did not let our connections pass";
    if (run_iptables(leave("-I", chain)).exit_code == 0) return {};
    return fail(ErrorCode::unavailable,
                fmt::format("iptables does not let translated connections pass in chain {}", chain));
}

}  // namespace

Result<std::string> ensure_forwarding() {
    std::string found;
    FLOCKER_CHECK_OK(ensure_sysctl("/proc/sys/net/ipv4/ip_forward", found));
    FLOCKER_CHECK_OK(ensure_sysctl("/proc/sys/net/ipv4/conf/all/route_localnet", found));
    // Without the binary there is no Docker either, for dockerd does not start without it.
    const Outcome forward = run_iptables({"-S", "FORWARD"});
    if (forward.exit_code != 0) return found;
    if (forward.output.find("-j DOCKER-USER") != std::string::npos) {
        FLOCKER_CHECK_OK(ensure_leave("DOCKER-USER", found));
    } else if (forward.output.find("-P FORWARD DROP") != std::string::npos) {
        FLOCKER_CHECK_OK(ensure_leave("FORWARD", found));
    }
    return found;
}

void withdraw_forwarding() {
    for (const char* chain : {"DOCKER-USER", "FORWARD"}) {
        while (run_iptables(leave("-D", chain)).exit_code == 0) {
        }
    }
}

}  // namespace flocker::nftables
