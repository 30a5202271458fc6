// SPDX-License-Identifier: Apache-2.0
#include <sys/ioctl.h>
#include <sys/time.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <thread>

#include "adapters/posix/event_loop.hpp"
#include "apps/flocker/transport.hpp"
#include "cli/interrupt.hpp"
#include "cli/run.hpp"
#include "doctor/diagnostics.hpp"
#include "doctor/findings.hpp"
#include "doctor/gather.hpp"
#include "setup/commands.hpp"
#include "setup/snapshot_mounts.hpp"
#include "standby/commands.hpp"

namespace {

using namespace flocker;

constexpr unsigned usual_width = 80;

unsigned terminal_width() {
    winsize size{};
    if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
    return usual_width;
}

void end_within(Duration limit) {
    std::signal(SIGALRM, [](int) { ::_exit(0); });
    itimerval timer{};
    timer.it_value.tv_sec = std::chrono::duration_cast<std::chrono::seconds>(limit).count();
    timer.it_value.tv_usec = std::chrono::duration_cast<std::chrono::microseconds>(limit % 1s).count();
    ::setitimer(ITIMER_REAL, &timer, nullptr);
}

}  // namespace

int main(int argc, char** argv) {
    // A pipe whose reader left is an error of write(), not the end.
    std::signal(SIGPIPE, SIG_IGN);
    cli::World world{std::cin, std::cout, std::cerr};
    world.in_is_terminal = ::isatty(STDIN_FILENO) == 1;
    world.out_is_terminal = ::isatty(STDOUT_FILENO) == 1;
    world.width = terminal_width();
    world.environment = [](const std::string& variable) -> std::optional<std::string> {
        const char* value = std::getenv(variable.c_str());
        return value ? std::optional<std::string>(value) : std::nullopt;
    };
    world.connect = connect;
    const posix::EventLoop clock;
    world.now = [&clock] { return clock.now(); };
    world.rest = [](Duration duration) { std::this_thread::sleep_for(duration); };
    world.farewell = cli::set_farewell;
    world.end_within = end_within;
    world.extra = {{"init", "Make this machine the first node of a new cluster", setup::run_init, setup::init_shape},
                   {"join", "Make this machine a node of an existing cluster", setup::run_join, setup::join_shape},
                   {"control", "Where the control service is, and taking it over", standby::run_control, standby::control_shape},
                   {"backup", "Write a copy of the control service's records", standby::run_backup, standby::backup_shape},
                   {"restore", "Put a backup of the control service's records in force", standby::run_restore,
                    standby::restore_shape}};
    world.own_node = {setup::own_name, setup::mount_snapshot, setup::unmount_snapshot,
                      [](const std::string& folder) { return doctor::findings(doctor::gather(folder)); },
                      doctor::diagnostics, doctor::pack};
    return cli::run({argv, argv + argc}, world);
}
