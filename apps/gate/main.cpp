// SPDX-License-Identifier: Apache-2.0
//
// flocker-gate COMMAND [ARGUMENT...]
//
// The first process of a container whose application must not begin yet. It waits for the release of this one
// start of the container, and becomes the command: same arguments, environment, user, descriptors and signals.
//
// A release is a message in the FIFO beside this program that names the container's pid namespace. Whatever else
// happens (no writer, a writer that dies, a message for an earlier start) leaves the gate shut.
//
// Exit codes: those of a container whose command can't be run (127: it is not there, 126: it can't be executed),
// 128 + the number of the signal that ended it, 125: the gate itself does not work.
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>

namespace {

constexpr const char* release_path = "/.flocker/release";
constexpr const char* own_start = "/proc/self/ns/pid";
constexpr int gate_broken = 125;
constexpr int not_executable = 126;
constexpr int not_there = 127;

void say(const char* text) {
    if (write(STDERR_FILENO, text, strlen(text)) < 0) return;
}

[[noreturn]] void give_up(int code, const char* what, const char* subject, const char* why) {
    say("flocker-gate: ");
    say(what);
    say(subject);
    say(why);
    say("\n");
    _exit(code);
}

void end(int signal) {
    _exit(128 + signal);
}

/// The kernel gives the first process of a container no signal that it does not handle. What is ignored
/// stays so, and exec takes the handlers away.
void end_on_signals() {
    for (int signal = 1; signal < NSIG; ++signal) {
        switch (signal) {
            case SIGKILL: case SIGSTOP: case SIGTSTP: case SIGTTIN: case SIGTTOU:
            case SIGCHLD: case SIGCONT: case SIGURG: case SIGWINCH: continue;
            default: break;
        }
        struct sigaction action {};
        if (sigaction(signal, nullptr, &action) != 0 || action.sa_handler != SIG_DFL) continue;
        action.sa_handler = end;
        sigaction(signal, &action, nullptr);
    }
}

/// Where a word means a file, and which. Found as the container's runtime does.
class Command {
public:
    explicit Command(const char* word) : word_(word) { look(); }

    /// May be another one after a volume has come.
    void look() {
        path_ = nullptr;
        on_volume_ = false;
        reason_ = ENOENT;
        if (strchr(word_, '/') != nullptr) {
            if (strlen(word_) < sizeof candidate_) consider(strcpy(candidate_, word_));
            return;
        }
        const char* folders = getenv("PATH");
        if (folders == nullptr || *folders == '\0') return;
        for (const char* at = folders; path_ == nullptr; ++at) {
            const char* stop = strchrnul(at, ':');
            if (join(at, static_cast<std::size_t>(stop - at))) consider(candidate_);
            at = stop;
            if (*at == '\0') break;
        }
        // The runtime says so of a word whose only file can't be executed, too.
        if (path_ == nullptr) reason_ = ENOENT;
    }
    [[nodiscard]] const char* path() const { return path_; }
    /// A folder where it would be is not the image's: what is there now says nothing.
    [[nodiscard]] bool may_be_on_volume() const { return on_volume_; }

    [[noreturn]] void refuse() const {
        if (reason_ == ENOENT || reason_ == ENOTDIR)
            give_up(not_there, "its command ", word_, " is not in the image");
        cannot_be_run(reason_);
    }
    [[noreturn]] void cannot_be_run(int error) const {
        give_up(error == ENOENT ? not_there : not_executable, "its command ", word_,
                error == EACCES    ? " can't be run: permission denied"
                : error == ENOEXEC ? " can't be run: exec format error"
                : error == ENOENT  ? " can't be run: its interpreter is not there"
                : error == EISDIR  ? " can't be run: it is a folder"
                : error == E2BIG   ? " can't be run: argument list too long"
                                   : " can't be run");
    }

private:
    bool join(const char* folder, std::size_t size) {
        if (size == 0) {
            folder = ".";
            size = 1;
        }
        if (size + 1 + strlen(word_) >= sizeof candidate_) return false;
        memcpy(candidate_, folder, size);
        candidate_[size] = '/';
        strcpy(candidate_ + size + 1, word_);
        return true;
    }
    void consider(const char* path) {
        struct stat seen {};
        if (stat(path, &seen) != 0) {
            reason_ = errno;
        } else if (S_ISDIR(seen.st_mode)) {
            reason_ = EISDIR;
        } else if (access(path, X_OK) != 0) {
            reason_ = errno;
        } else {
            path_ = path;
            return;
        }
        on_volume_ = on_volume_ || lies_on_volume(path);
    }
    static bool lies_on_volume(const char* path) {
        char folder[PATH_MAX];
        strcpy(folder, path);
        struct stat root {};
        struct stat seen {};
        if (stat("/", &root) != 0) return false;
        for (;;) {
            char* slash = strrchr(folder, '/');
            const bool top = slash == nullptr || slash == folder;
            if (top) {
                strcpy(folder, slash == nullptr ? "." : "/");
            } else {
                *slash = '\0';
            }
            if (stat(folder, &seen) == 0) return seen.st_dev != root.st_dev;
            if (top) return false;
        }
    }

    const char* word_;
    const char* path_{nullptr};
    int reason_{ENOENT};
    bool on_volume_{false};
    char candidate_[PATH_MAX]{};
};

/// Returns with the FIFO still open: that it closes by exec is how the other side sees that the command begins.
void await_release() {
    char own[64];
    const ssize_t own_size = readlink(own_start, own, sizeof own);
    if (own_size <= 0) give_up(gate_broken, "", own_start, " can't be read");
    for (;;) {
        const int fifo = open(release_path, O_RDONLY | O_CLOEXEC);
        if (fifo < 0 && errno == EINTR) continue;
        if (fifo < 0) give_up(gate_broken, "", release_path, " can't be opened");
        ssize_t matched = 0;
        char letter = 0;
        for (;;) {
            const ssize_t got = read(fifo, &letter, 1);
            if (got < 0 && errno == EINTR) continue;
            if (got <= 0) break;
            // Whatever came before: the name's first letter is in it only once.
            matched = letter == own[matched] ? matched + 1 : letter == own[0] ? 1 : 0;
            if (matched == own_size) return;
        }
        close(fifo);
    }
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2) give_up(gate_broken, "there is no command", "", "");
    end_on_signals();
    static char folder[PATH_MAX];
    if (getcwd(folder, sizeof folder) == nullptr || folder[0] != '/')
        give_up(gate_broken, "its working directory", "", " can't be told");
    static Command command(argv[1]);
    if (command.path() == nullptr && !command.may_be_on_volume()) command.refuse();

    await_release();

    // The volume was mounted after this process began: a working directory on it is still the folder below. Who may
    // not enter it was put there by the runtime, and may not write to the folder below either.
    if (chdir(folder) != 0 && errno != EACCES)
        give_up(not_executable, "its working directory ", folder, " is not there");
    command.look();
    if (command.path() == nullptr) command.refuse();
    execve(command.path(), argv + 1, environ);
    command.cannot_be_run(errno);
}
