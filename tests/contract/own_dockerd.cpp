// SPDX-License-Identifier: Apache-2.0
#include "tests/contract/own_dockerd.hpp"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "adapters/http/client.hpp"
#include "adapters/posix/fd_stream.hpp"

namespace flocker::contract {
namespace {

using Clock = std::chrono::steady_clock;
namespace fs = std::filesystem;

constexpr Duration start_limit = 60s;
constexpr Duration stop_limit = 30s;
/// Processes and their readiness are looked at, since nothing announces them.
constexpr Duration glance = 10ms;

Status run(const std::string& command) {
    if (std::system(command.c_str()) == 0) return {};
    return fail(ErrorCode::unavailable, "this failed: " + command);
}

std::string read_file(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

bool gone_within(const std::set<pid_t>& processes, Duration limit) {
    const auto deadline = Clock::now() + limit;
    for (const pid_t process : processes) {
        while (::kill(process, 0) == 0) {
            if (Clock::now() > deadline) return false;
            std::this_thread::sleep_for(glance);
        }
    }
    return true;
}

/// Whose command line names the folder, which is nobody's but ours: engine, containerd, shims.
std::set<pid_t> processes_of(const std::string& folder) {
    std::set<pid_t> found;
    for (const auto& entry : fs::directory_iterator("/proc")) {
        const pid_t process = std::atoi(entry.path().filename().c_str());
        if (process <= 0 || process == ::getpid()) continue;
        if (read_file(entry.path() / "cmdline").find(folder + "/") != std::string::npos) found.insert(process);
    }
    return found;
}

/// Everything in a cgroup of ours: processes of containers.
std::set<pid_t> processes_in(const std::string& cgroup) {
    std::set<pid_t> found;
    for (const char* root : {"/sys/fs/cgroup/pids", "/sys/fs/cgroup"}) {
        std::error_code error;
        for (fs::recursive_directory_iterator at(root + ("/" + cgroup), error), end; !error && at != end;
             at.increment(error)) {
            if (at->path().filename() != "cgroup.procs") continue;
            std::ifstream file(at->path());
            for (pid_t process = 0; file >> process;) found.insert(process);
        }
    }
    return found;
}

void end_all(const std::set<pid_t>& processes, int signal, Duration limit) {
    for (const pid_t process : processes) ::kill(process, signal);
    static_cast<void>(gone_within(processes, limit));
}

}  // namespace

Status enter_own_namespaces() {
    if (::unshare(CLONE_NEWNET | CLONE_NEWNS) != 0) {
        return fail(ErrorCode::denied, std::string("cannot make namespaces, run as root: ") + std::strerror(errno));
    }
    if (::mount("", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
        return fail(ErrorCode::denied, std::string("cannot make mounts private: ") + std::strerror(errno));
    }
    return run("ip link set lo up");
}

OwnDockerd::OwnDockerd(const std::string& name)
    : folder_("/var/tmp/flkt-" + name),
      cgroup_("flkt-" + name),
      turn_(::open(("/run/lock/flkt-" + name).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)) {
    while (::flock(turn_.get(), LOCK_EX) != 0 && errno == EINTR) continue;
    remove_leftovers();
}

OwnDockerd::~OwnDockerd() {
    stop();
    remove_leftovers();
}

void OwnDockerd::remove_leftovers() const {
    end_all(processes_of(folder_), SIGTERM, 5s);
    end_all(processes_of(folder_), SIGKILL, 5s);
    end_all(processes_in(cgroup_), SIGKILL, 5s);
    // Deepest first; only ours, as they are under our folder.
    std::vector<std::string> mounts;
    std::ifstream table("/proc/self/mounts");
    for (std::string device, point, rest; table >> device >> point && std::getline(table, rest);) {
        if (point.starts_with(folder_ + "/")) mounts.push_back(point);
    }
    for (auto point = mounts.rbegin(); point != mounts.rend(); ++point) ::umount2(point->c_str(), MNT_DETACH);
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
}

Status OwnDockerd::start() {
    fs::create_directories(folder_);
    const std::vector<std::string> words{"dockerd",
                                         "--data-root",
                                         folder_ + "/data",
                                         "--exec-root",
                                         folder_ + "/exec",
                                         "--host",
                                         "unix://" + socket_path(),
                                         "--pidfile",
                                         folder_ + "/docker.pid",
                                         "--bridge",
                                         "none",
                                         "--cgroup-parent",
                                         "/" + cgroup_};
    std::vector<char*> arguments;
    for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    const std::string log_path = folder_ + "/log";

    process_ = ::fork();
    if (process_ == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGTERM);
        const int log = ::open(log_path.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
        ::dup2(log, STDOUT_FILENO);
        ::dup2(log, STDERR_FILENO);
        ::execvp(arguments[0], arguments.data());
        ::_exit(127);
    }
    http::HttpClient client([path = socket_path()] { return posix::connect_unix(path, 1s); }, "docker");
    const auto deadline = Clock::now() + start_limit;
    while (Clock::now() < deadline) {
        const auto pong = client.exchange({.target = "/_ping"});
        if (pong && pong->status == 200) return {};
        if (::waitpid(process_, nullptr, WNOHANG) == process_) {
            process_ = -1;
            break;
        }
        std::this_thread::sleep_for(glance);
    }
    const std::string log = read_file(log_path);
    return fail(ErrorCode::unavailable,
                "dockerd does not start: " + log.substr(log.size() > 2000 ? log.size() - 2000 : 0));
}

void OwnDockerd::stop() {
    if (process_ < 0) return;
    ::kill(process_, SIGTERM);
    const auto deadline = Clock::now() + stop_limit;
    while (::waitpid(process_, nullptr, WNOHANG) == 0) {
        if (Clock::now() > deadline) ::kill(process_, SIGKILL);
        std::this_thread::sleep_for(glance);
    }
    process_ = -1;
}

Status write_busybox_archive(const std::string& path) {
    const std::string root = path + ".root";
    FLOCKER_CHECK_OK(run("rm -rf " + root + " && mkdir -p " + root + "/bin " + root +
                         "/tmp && cp -L \"$(command -v busybox)\" " + root + "/bin/busybox"));
    FLOCKER_CHECK_OK(run("for name in $(" + root +
                         "/bin/busybox --list); do test \"$name\" = busybox || ln -s busybox " + root +
                         "/bin/\"$name\"; done"));
    return run("tar -C " + root + " -cf " + path + " . && rm -rf " + root);
}

}  // namespace flocker::contract
