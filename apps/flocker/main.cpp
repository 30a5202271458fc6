// SPDX-License-Identifier: Apache-2.0
#include <sys/ioctl.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <iostream>
#include <thread>

#include "adapters/posix/event_loop.hpp"
#include "apps/flocker/transport.hpp"
#include "cli/interrupt.hpp"
#include "cli/run.hpp"
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
    world.extra = {{"init", "Make this machine the first node of a new cluster", setup::run_init},
                   {"join", "Make this machine a node of an existing cluster", setup::run_join},
                   {"control", "Where the control service is, and taking it over", standby::run_control}};
    world.own_node = {setup::own_name, setup::mount_snapshot, setup::unmount_snapshot};
    return cli::run({argv, argv + argc}, world);
}
