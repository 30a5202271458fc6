// SPDX-License-Identifier: Apache-2.0
#include "doctor/local.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <set>
#include <sstream>

#include "adapters/nftables/nft_session.hpp"
#include "adapters/posix/files.hpp"
#include "doctor/network.hpp"
#include "model/names.hpp"
#include "setup/pool.hpp"

namespace flocker::doctor {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t table_max = std::size_t{16} << 20U;

/// Empty: it can't be read.
std::string text_of(const std::string& path) { return posix::read_file(path, table_max).value_or(std::string()); }

std::uint64_t number_of(const std::string& path) { return std::strtoull(text_of(path).c_str(), nullptr, 10); }

bool is_there(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

std::vector<std::string> words_of(const std::string& line) {
    std::istringstream in(line);
    std::vector<std::string> words;
    for (std::string word; in >> word;) words.push_back(word);
    return words;
}

void append_split(std::vector<std::string>& into, const std::string& list) {
    std::istringstream in(list);
    for (std::string item; std::getline(in, item, ',');) into.push_back(item);
}

/// mountinfo writes a space in a path as \040.
std::string unescaped(const std::string& text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        unsigned code = 0;
        const char* end = text.data() + std::min(i + 4, text.size());
        if (text[i] == '\\' && std::from_chars(text.data() + i + 1, end, code, 8).ptr == text.data() + i + 4) {
            out += static_cast<char>(code);
            i += 3;
        } else {
            out += text[i];
        }
    }
    return out;
}

bool can_be_loaded(const std::string& release, const std::string& module) {
    return text_of("/lib/modules/" + release + "/modules.dep").find("/" + module + ".ko") != std::string::npos;
}

bool is_in_path(const std::string& program) {
    const char* path = std::getenv("PATH");
    std::istringstream folders(std::string(path ? path : "") + ":/usr/sbin:/sbin:/usr/bin:/bin");
    for (std::string folder; std::getline(folders, folder, ':');) {
        if (::access((folder + "/" + program).c_str(), X_OK) == 0) return true;
    }
    return false;
}

/// Inode of a socket -> process. Only root sees all of them.
std::map<std::uint64_t, int> owners_of(const std::set<std::uint64_t>& inodes) {
    std::map<std::uint64_t, int> owners;
    std::error_code none;
    for (const auto& process : fs::directory_iterator("/proc", none)) {
        const std::string name = process.path().filename().string();
        int pid = 0;
        if (std::from_chars(name.data(), name.data() + name.size(), pid).ptr != name.data() + name.size()) continue;
        std::error_code gone;
        for (fs::directory_iterator fd(process.path() / "fd", gone), end; !gone && fd != end; fd.increment(gone)) {
            std::error_code unread;
            const std::string link = fs::read_symlink(fd->path(), unread).string();
            constexpr std::string_view prefix = "socket:[";
            if (unread || !link.starts_with(prefix)) continue;
            const std::uint64_t inode = std::strtoull(link.c_str() + prefix.size(), nullptr, 10);
            if (inodes.contains(inode)) owners.emplace(inode, pid);
        }
    }
    return owners;
}

}  // namespace

std::vector<MountSeen> parse_mounts(const std::string& mountinfo) {
    std::vector<MountSeen> mounts;
    std::istringstream in(mountinfo);
    for (std::string line; std::getline(in, line);) {
        const auto words = words_of(line);
        const auto dash = std::ranges::find(words, "-");
        if (dash - words.begin() < 6 || words.end() - dash < 4) continue;
        MountSeen seen{unescaped(words[4]), *(dash + 1), {}};
        append_split(seen.options, words[5]);
        append_split(seen.options, *(dash + 3));
        mounts.push_back(std::move(seen));
    }
    return mounts;
}

std::vector<Listening> parse_listening(const std::string& table) {
    constexpr const char* listens = "0A";
    std::vector<Listening> found;
    std::istringstream in(table);
    for (std::string line; std::getline(in, line);) {
        const auto words = words_of(line);
        if (words.size() < 10 || words[3] != listens) continue;
        const auto colon = words[1].rfind(':');
        if (colon == std::string::npos) continue;
        found.push_back({static_cast<std::uint16_t>(std::strtoul(words[1].c_str() + colon + 1, nullptr, 16)),
                         std::strtoull(words[9].c_str(), nullptr, 10)});
    }
    return found;
}

KernelFacts look_at_kernel(const std::vector<MountSeen>& mounts, bool root) {
    KernelFacts kernel;
    utsname name{};
    if (::uname(&name) == 0) kernel.release = name.release;
    const std::string systems = text_of("/proc/filesystems");
    const auto has = [&](const char* system) {
        return systems.find(std::string("\t") + system + "\n") != std::string::npos || can_be_loaded(kernel.release, system);
    };
    kernel.btrfs = has("btrfs");
    kernel.overlay = has("overlay");
    if (root) {
        auto session = nftables::NftSession::open();
        const auto tables = session ? session->run("list tables") : Result<std::string>(tl::unexpected(session.error()));
        if (!tables) kernel.nftables_fault = tables.error().message;
    }
    kernel.conntrack = is_there("/proc/sys/net/netfilter/nf_conntrack_max") || can_be_loaded(kernel.release, "nf_conntrack");
    kernel.connections = number_of("/proc/sys/net/netfilter/nf_conntrack_count");
    kernel.connections_max = number_of("/proc/sys/net/netfilter/nf_conntrack_max");
    kernel.packet_queue =
        is_there("/proc/net/netfilter/nfnetlink_queue") || can_be_loaded(kernel.release, "nfnetlink_queue");
    kernel.forwards = number_of("/proc/sys/net/ipv4/ip_forward") == 1;
    kernel.cgroups = std::ranges::any_of(mounts, [](const MountSeen& mount) { return mount.type.starts_with("cgroup"); });
    for (const char* program : {"mkfs.btrfs", "losetup", "mount", "iptables", "tar"}) {
        if (!is_in_path(program)) kernel.missing_programs.emplace_back(program);
    }
    return kernel;
}

PoolFacts look_at_pool(const std::string& path, const std::string& image, const std::vector<MountSeen>& mounts) {
    PoolFacts pool;
    pool.path = path;
    for (const MountSeen& mount : mounts) {
        if (mount.type != "btrfs") continue;
        pool.btrfs_mounts.push_back(mount.point);
        // Of several at one place the last one is seen.
        if (mount.point == path) pool.options = mount.options;
    }
    if (path.empty()) return pool;
    if (!setup::is_btrfs_mount(path)) {
        pool.fault = is_there(path) ? "no btrfs is mounted at " + path : path + " is not there, where the pool is to be mounted";
        return pool;
    }
    struct statvfs room {};
    if (::statvfs(path.c_str(), &room) == 0) {
        pool.size = {room.f_blocks * room.f_frsize};
        pool.free = {room.f_bavail * room.f_frsize};
    }
    struct stat file {};
    if (!image.empty() && ::stat(image.c_str(), &file) == 0 && ::statvfs(image.c_str(), &room) == 0) {
        const std::uint64_t taken = static_cast<std::uint64_t>(file.st_blocks) * 512;
        const auto size = static_cast<std::uint64_t>(file.st_size);
        pool.disk_free = Bytes{room.f_bavail * room.f_frsize};
        pool.may_grow = {size > taken ? size - taken : 0};
    }
    return pool;
}

std::vector<DiskFacts> look_at_disks(const std::vector<std::string>& paths) {
    std::vector<DiskFacts> disks;
    std::set<dev_t> seen;
    for (const std::string& path : paths) {
        struct stat facts {};
        struct statvfs room {};
        if (path.empty() || ::stat(path.c_str(), &facts) != 0 || !seen.insert(facts.st_dev).second) continue;
        if (::statvfs(path.c_str(), &room) != 0) continue;
        disks.push_back({path, {room.f_blocks * room.f_frsize}, {room.f_bavail * room.f_frsize}, room.f_files, room.f_favail});
    }
    return disks;
}

void look_at_ports(std::vector<PortFacts>& ports) {
    std::vector<Listening> listening = parse_listening(text_of("/proc/net/tcp"));
    for (const Listening& each : parse_listening(text_of("/proc/net/tcp6"))) listening.push_back(each);
    std::set<std::uint64_t> inodes;
    for (const PortFacts& port : ports) {
        for (const Listening& each : listening) {
            if (each.port == port.number) inodes.insert(each.inode);
        }
    }
    const auto owners = inodes.empty() ? std::map<std::uint64_t, int>{} : owners_of(inodes);
    for (PortFacts& port : ports) {
        const auto taken = std::ranges::find(listening, port.number, &Listening::port);
        if (taken == listening.end()) continue;
        port.holder = "a program that only root can name";
        const auto owner = owners.find(taken->inode);
        if (owner == owners.end()) continue;
        port.pid = owner->second;
        port.holder = text_of(fmt::format("/proc/{}/comm", port.pid));
        while (!port.holder.empty() && port.holder.back() == '\n') port.holder.pop_back();
    }
}

std::vector<NetworkFacts> look_at_networks() {
    std::vector<NetworkFacts> networks;
    std::istringstream in(text_of("/proc/net/route"));
    for (std::string line; std::getline(in, line);) {
        const auto words = words_of(line);
        if (words.size() < 8 || words[0] == model::names::bridge || words[7] == "00000000") continue;
        const std::string network = network_text(words[1], words[7]);
        if (!network.empty()) networks.push_back({words[0], network});
    }
    return networks;
}

}  // namespace flocker::doctor
