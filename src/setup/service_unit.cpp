// SPDX-License-Identifier: Apache-2.0
#include "setup/service_unit.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include "adapters/posix/files.hpp"
#include "setup/command.hpp"

namespace flocker::setup {

std::string service_unit(const std::string& program, const ConfigFolder& config) {
    return fmt::format(
        "[Unit]\n"
        "Description=Flocker: containers that can go anywhere, data and all\n"
        "After=network-online.target docker.service\n"
        "Wants=network-online.target docker.service\n"
        "\n"
        "[Service]\n"
        "Type=notify\n"
        "ExecStart={} --config {}\n"
        "Restart=always\n"
        "RestartSec=1\n"
        "KillMode=process\n"
        "LimitNOFILE=65536\n"
        "\n"
        "[Install]\n"
        "WantedBy=multi-user.target\n",
        program, config.daemon());
}

bool systemd_runs() {
    struct stat folder {};
    return ::stat("/run/systemd/system", &folder) == 0 && S_ISDIR(folder.st_mode);
}

Status install_service(const std::string& program, const ConfigFolder& config) {
    FLOCKER_CHECK_OK(posix::write_file_atomically("/etc/systemd/system/flockerd.service", service_unit(program, config), 0644));
    FLOCKER_CHECK_OK(run_command({"systemctl", "daemon-reload"}));
    FLOCKER_CHECK_OK(run_command({"systemctl", "enable", "--now", "flockerd.service"}));
    return {};
}

}  // namespace flocker::setup
