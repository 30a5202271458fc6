// SPDX-License-Identifier: Apache-2.0
#include "setup/command.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "adapters/posix/fd.hpp"

namespace flocker::setup {
namespace {

struct Pipe {
    posix::Fd read, write;
};

Result<Pipe> make_pipe() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail(ErrorCode::unavailable, std::strerror(errno));
    return Pipe{posix::Fd(ends[0]), posix::Fd(ends[1])};
}

/// Both outputs to their ends, whichever speaks first.
void drain(const posix::Fd& out, std::string& out_text, const posix::Fd& err, std::string& err_text) {
    std::array<pollfd, 2> ends{pollfd{out.get(), POLLIN, 0}, pollfd{err.get(), POLLIN, 0}};
    const std::array<std::string*, 2> texts{&out_text, &err_text};
    while (ends[0].fd >= 0 || ends[1].fd >= 0) {
        if (::poll(ends.data(), ends.size(), -1) < 0 && errno != EINTR) return;
        for (std::size_t i = 0; i < ends.size(); ++i) {
            if (ends[i].fd < 0 || ends[i].revents == 0) continue;
            std::array<char, 4096> buffer{};
            const ssize_t count = ::read(ends[i].fd, buffer.data(), buffer.size());
            if (count <= 0) {
                ends[i].fd = -1;
            } else {
                texts[i]->append(buffer.data(), static_cast<std::size_t>(count));
            }
        }
    }
}

std::string last_line(std::string text) {
    while (!text.empty() && text.back() == '\n') text.pop_back();
    const auto at = text.rfind('\n');
    return at == std::string::npos ? text : text.substr(at + 1);
}

}  // namespace

Result<std::string> run_command(const std::vector<std::string>& words) {
    FLOCKER_TRY(Pipe out, make_pipe());
    FLOCKER_TRY(Pipe err, make_pipe());
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, out.write.get(), 1);
    posix_spawn_file_actions_adddup2(&actions, err.write.get(), 2);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    sigset_t none;
    sigemptyset(&none);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    std::vector<char*> arguments;
    for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    pid_t pid = 0;
    const int failed = ::posix_spawnp(&pid, words.front().c_str(), &actions, &attributes, arguments.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    if (failed != 0) return fail(ErrorCode::unavailable, words.front() + " can't be run: " + std::strerror(failed));
    out.write = posix::Fd();
    err.write = posix::Fd();
    std::string out_text, err_text;
    drain(out.read, out_text, err.read, err_text);
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {}
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return out_text;
    return fail(ErrorCode::unavailable, words.front() + " failed: " + last_line(err_text.empty() ? out_text : err_text));
}

}  // namespace flocker::setup
