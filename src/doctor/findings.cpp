// SPDX-License-Identifier: Apache-2.0
#include "doctor/findings.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "doctor/network.hpp"

namespace flocker::doctor {
namespace {

using model::Finding;
using Level = Finding::Level;

constexpr Duration day = std::chrono::hours{24};
constexpr Duration expiry_soon = 30 * day;
constexpr Duration clock_off = 2s;
/// A certificate is valid from so long before the moment at which it was signed.
constexpr Duration clock_wrong = 5min;
/// flockerd hears something every two seconds.
constexpr Duration unheard_long = 10s;
constexpr Bytes room_min{std::uint64_t{256} << 20U};

class Report {
public:
    explicit Report(const Facts& facts) : f_(facts) {}

    std::vector<Finding> take() {
        about_the_node();
        about_programs();
        about_the_kernel();
        about_cgroups();
        about_the_engine();
        about_the_pool();
        about_disks();
        about_ports();
        about_networks();
        about_identity();
        about_control();
        about_peers();
        return std::move(found_);
    }

private:
    void say(Level level, const char* subject, std::string text, std::string mend = {}) {
        found_.push_back({level, subject, std::move(text), std::move(mend)});
    }
    void ok(const char* subject, std::string text) { say(Level::ok, subject, std::move(text)); }
    void warn(const char* subject, std::string text, std::string mend) {
        say(Level::warn, subject, std::move(text), std::move(mend));
    }
    void fail(const char* subject, std::string text, std::string mend) {
        say(Level::fail, subject, std::move(text), std::move(mend));
    }

    void about_the_node() {
        if (!f_.root) {
            warn("node", "not everything can be looked at without root", "run this with sudo");
        }
        if (!f_.config_fault.empty()) {
            fail("node", f_.config_fault, "correct the file; `flocker init` and `flocker join` write it");
        } else if (!f_.is_node) {
            ok("node", fmt::format("there is no {}: this machine is no node yet", f_.config));
        } else if (!f_.daemon_runs) {
            fail("node", fmt::format("flockerd does not run on {}", f_.node),
                 "start it: systemctl start flockerd; what keeps it from running is in: journalctl -u flockerd");
        } else {
            ok("node", fmt::format("flockerd runs on {}", f_.node));
        }
    }

    void about_programs() {
        const auto& missing = f_.kernel.missing_programs;
        if (missing.empty()) return ok("programs", "all that flockerd calls are there");
        fail("programs", fmt::format("missing: {}", fmt::join(missing, ", ")),
             "apt install btrfs-progs iptables mount util-linux tar");
    }

    void about_the_kernel() {
        const KernelFacts& kernel = f_.kernel;
        const std::size_t before = found_.size();
        if (!kernel.btrfs) {
            fail("kernel", fmt::format("{} has no btrfs", kernel.release), "modprobe btrfs, or a kernel that has it");
        }
        if (!kernel.overlay) {
            warn("kernel", fmt::format("{} has no overlay file system", kernel.release),
                 "modprobe overlay; without it the engine stores images slowly and largely");
        }
        if (!kernel.nftables_fault.empty()) {
            fail("kernel", "nftables can't be used: " + kernel.nftables_fault, "modprobe nf_tables, or a kernel that has it");
        }
        if (f_.root && !kernel.conntrack) {
            say(f_.daemon_runs ? Level::fail : Level::warn, "kernel", "connection tracking is not there, which routes need",
                "modprobe nf_conntrack, or a kernel that has it");
        }
        if (kernel.connections_max > 0 && kernel.connections * 10 > kernel.connections_max * 8) {
            warn("kernel",
                 fmt::format("{} of {} places for tracked connections are taken", kernel.connections, kernel.connections_max),
                 "sysctl net.netfilter.nf_conntrack_max: raise it; when all are taken new connections are dropped");
        }
        if (f_.daemon_runs && !kernel.packet_queue) {
            fail("kernel", "the packet queue (nfnetlink_queue) is not there: connections can't be held in a cutover",
                 "modprobe nfnetlink_queue, or a kernel that has it");
        }
        if (f_.daemon_runs && !kernel.forwards) {
            fail("kernel", "net.ipv4.ip_forward is 0: nobody reaches an application through this node",
                 "something has switched it off since flockerd began: look into /etc/sysctl.d, then sysctl "
                 "net.ipv4.ip_forward=1");
        }
        if (found_.size() == before) ok("kernel", fmt::format("{} has what is needed", kernel.release));
    }

    void about_cgroups() {
        if (!f_.kernel.cgroups) {
            return fail("cgroup", "no cgroup hierarchy is mounted: the engine starts no container",
                        "mount -t cgroup2 none /sys/fs/cgroup, or let systemd do it");
        }
        if (!f_.engine.fault.empty()) return;
        const docker::EngineFacts& engine = f_.engine.facts;
        std::vector<std::string> missing;
        if (!engine.limits_memory) missing.emplace_back("memory");
        if (!engine.limits_cpu) missing.emplace_back("cpu");
        const std::string which = engine.cgroup_version.empty() ? "" : " v" + engine.cgroup_version;
        if (engine.cgroup_driver == "none") {
            warn("cgroup", "the engine uses no cgroups: limits of applications are not enforced",
                 "run the engine as root, with cgroups delegated to it");
        } else if (!missing.empty()) {
            warn("cgroup",
                 fmt::format("the engine can't limit {}: such limits in manifests are not enforced", fmt::join(missing, ", ")),
                 "mount the missing controllers, or boot with cgroup_enable=memory, and restart the engine");
        } else {
            ok("cgroup", fmt::format("cgroups{}, driver {}", which, engine.cgroup_driver));
        }
    }

    void about_the_engine() {
        if (const std::string& fault = f_.engine.fault; !fault.empty()) {
            const bool is_old = fault.find("too old") != std::string::npos;
            return fail("engine", fault,
                        is_old ? "upgrade it: apt install docker.io, or Docker's own packages"
                               : "apt install docker.io, start it (systemctl start docker), or name its socket in flocker.yml");
        }
        const docker::EngineFacts& engine = f_.engine.facts;
        ok("engine", fmt::format("docker {}, API {}, at {}", engine.version, engine.api, f_.engine.socket));
        if (engine.storage == "vfs") {
            warn("engine", "it stores images with vfs: each container takes the whole room of its image",
                 "give its data root a file system for overlay2 (ext4, xfs, btrfs)");
        }
        for (const std::string& warning : engine.warnings) {
            // Limits are spoken of under "cgroup".
            if (warning.find(" limit ") != std::string::npos || warning.find("cgroup") != std::string::npos) continue;
            warn("engine", warning, "see `docker info`");
        }
    }

    void about_the_pool() {
        const PoolFacts& pool = f_.pool;
        if (pool.path.empty()) {
            const bool none = pool.btrfs_mounts.empty();
            return ok("pool", none ? "no btrfs is mounted: `flocker init` makes a pool in a file, unless --pool names one"
                                   : fmt::format("--pool could name {}, a mounted btrfs", fmt::join(pool.btrfs_mounts, " or ")));
        }
        if (!pool.fault.empty()) {
            return fail("pool", pool.fault,
                        fmt::format("mount the pool at {} (and write it into /etc/fstab); nothing runs without it", pool.path));
        }
        const std::size_t before = found_.size();
        for (const std::string& option : pool.options) about_option(option);
        const bool keeps_atime = std::ranges::find(pool.options, "noatime") == pool.options.end();
        if (keeps_atime) {
            warn("pool", pool.path + " is mounted without noatime: reading a volume writes to it, and replicas have to follow",
                 fmt::format("mount -o remount,noatime {}, and in /etc/fstab", pool.path));
        }
        about_room("pool", pool.path, pool.size, pool.free,
                   "a larger pool, or remove what is set aside (flocker volume snapshots)");
        if (pool.disk_free && *pool.disk_free < pool.may_grow && pool.disk_free->value * 10 < pool.size.value) {
            warn("pool", fmt::format("the pool is a file that may grow by {}, and the disk under it has only {} free",
                                     to_text(pool.may_grow), to_text(*pool.disk_free)),
                 "make room on that disk: when it is full, the pool fails though it says that it has room");
        }
        if (found_.size() == before) {
            ok("pool", fmt::format("{}: {} of {} free", pool.path, to_text(pool.free), to_text(pool.size)));
        }
    }
    void about_option(const std::string& option) {
        const std::string remount = "take it out of /etc/fstab and mount the pool anew";
        const std::string& path = f_.pool.path;
        if (option == "ro") {
            fail("pool", path + " is mounted read-only: so does btrfs, too, when it finds itself damaged",
                 "look into `dmesg | grep -i btrfs` first; then mount it writable");
        } else if (option == "nobarrier") {
            fail("pool", path + " is mounted with nobarrier: a power loss may destroy what was acknowledged", remount);
        } else if (option == "nodatasum" || option == "nodatacow") {
            warn("pool", fmt::format("{} is mounted with {}: data that rots on the disk is not noticed", path, option), remount);
        } else if (option == "autodefrag") {
            warn("pool", path + " is mounted with autodefrag: it copies what snapshots share", remount);
        } else if (option == "degraded") {
            warn("pool", path + " is mounted degraded: one of its disks is missing", "replace it: btrfs replace");
        }
    }

    void about_room(const char* subject, const std::string& path, Bytes size, Bytes free, const std::string& mend) {
        const std::string text = fmt::format("{} is nearly full: {} of {} free", path, to_text(free), to_text(size));
        if (size.value > 0 && (free.value * 20 < size.value || free < room_min)) {
            fail(subject, text, mend);
        } else if (free.value * 10 < size.value) {
            warn(subject, text, mend);
        }
    }

    void about_disks() {
        const std::size_t before = found_.size();
        std::vector<std::string> paths;
        for (const DiskFacts& disk : f_.disks) {
            paths.push_back(disk.path);
            about_room("disk", disk.path, disk.size, disk.free, "make room on it: flockerd writes its state there");
            if (disk.files > 0 && disk.files_free * 20 < disk.files) {
                fail("disk", fmt::format("{} has hardly any inodes left: {} of {}", disk.path, disk.files_free, disk.files),
                     "remove small files on it");
            }
        }
        if (found_.size() == before && !paths.empty()) ok("disk", fmt::format("room on {}", fmt::join(paths, ", ")));
    }

    void about_ports() {
        const std::size_t before = found_.size();
        std::vector<std::string> numbers;
        for (const PortFacts& port : f_.ports) {
            numbers.push_back(std::to_string(port.number));
            if (!port.holder.empty() && port.holder != "flockerd") {
                fail("ports", fmt::format("port {} ({}) is taken by {}{}", port.number, port.purpose, port.holder,
                                          port.pid > 0 ? fmt::format(" (process {})", port.pid) : ""),
                     "stop that program or give it another port");
            } else if (port.holder.empty() && f_.daemon_runs) {
                fail("ports", fmt::format("flockerd runs and does not listen on port {} ({})", port.number, port.purpose),
                     "look into its log: journalctl -u flockerd");
            }
        }
        if (found_.size() == before) {
            ok("ports", fmt::format("{} {}", fmt::join(numbers, ", "), f_.daemon_runs ? "are served by flockerd" : "are free"));
        }
    }

    void about_networks() {
        const std::size_t before = found_.size();
        for (const NetworkFacts& network : f_.networks) {
            if (!overlap(f_.subnet, network.network)) continue;
            fail("network",
                 fmt::format("the containers' network {} overlaps with {} of {}", f_.subnet, network.network, network.interface),
                 f_.is_node ? "choose another subnet in flocker.yml while no application runs here"
                            : "give `flocker init` or `flocker join` another --subnet");
        }
        if (found_.size() == before) ok("network", fmt::format("{} is free for containers", f_.subnet));
    }

    void about_identity() {
        if (f_.identity.empty()) return;
        const std::size_t before = found_.size();
        std::optional<Instant> first_end;
        for (const IdentityFacts& file : f_.identity) {
            if (!file.fault.empty()) {
                fail("identity", file.fault, "put it back from a backup of the folder; no other machine has this node's key");
                continue;
            }
            const bool open = (file.mode & 077U) != 0 || file.owner != 0;
            if (file.is_key && open) {
                fail("identity", fmt::format("{} can be read by others than root", file.path),
                     fmt::format("chown root: {0} && chmod 600 {0}", file.path));
            } else if ((file.mode & 022U) != 0 || file.owner != 0) {
                fail("identity", fmt::format("{} can be changed by others than root", file.path),
                     fmt::format("chown root: {0} && chmod 644 {0}", file.path));
            }
            if (file.valid_until) about_validity(file);
            if (file.valid_until && (!first_end || *file.valid_until < *first_end)) first_end = file.valid_until;
        }
        if (found_.size() == before) {
            ok("identity", first_end ? fmt::format("keys are root's alone; certificates are good until {}",
                                                   to_utc_text(*first_end).substr(0, 10))
                                     : "keys are root's alone");
        }
    }
    void about_validity(const IdentityFacts& file) {
        const std::string anew = "have it signed anew by the cluster's CA (ca.key, on the node of the control service)";
        if (*file.valid_until < f_.now) {
            fail("identity",
                 fmt::format("{} expired on {}: nobody speaks with this node", file.path, to_utc_text(*file.valid_until)),
                 anew + ", or set this machine's clock");
        } else if (file.valid_from && *file.valid_from > f_.now) {
            fail("identity", fmt::format("{} is not valid before {}", file.path, to_utc_text(*file.valid_from)),
                 "set this machine's clock");
        } else if (*file.valid_until < f_.now + expiry_soon) {
            warn("identity", fmt::format("{} expires on {}", file.path, to_utc_text(*file.valid_until)), anew + " before then");
        }
    }

    void about_control() {
        if (!f_.control) return;
        const ControlFacts& control = *f_.control;
        const std::size_t before = found_.size();
        if (!control.records_fault.empty()) {
            fail("control", control.records_fault, "`flocker restore FILE` here, or `flocker control takeover` on another node");
        }
        if (!control.fault.empty() && (!control.here || f_.daemon_runs)) {
            fail("control", fmt::format("the control service at {} can't be reached: {}", control.address, control.fault),
                 "start flockerd there, or open the way to its ports; if the machine is lost: flocker control takeover");
        }
        if (control.unheard && *control.unheard > unheard_long) {
            fail("control", fmt::format("flockerd has not heard the control service for {}", to_text(*control.unheard)),
                 "open the way to its agents' port; see flockerd's log there and here");
        }
        if (found_.size() == before && control.fault.empty()) {
            ok("control", "the control service " + (control.here ? "is here" : "at " + control.address + " answers"));
        }
        if (control.off) about_clock(*control.off);
    }
    void about_clock(Duration off) {
        const Duration distance = off < Duration{0} ? -off : off;
        if (distance < clock_off) return ok("clock", "agrees with the control service's");
        const std::string text = fmt::format("this machine's clock is {} {} the control service's", to_text(distance),
                                             off < Duration{0} ? "ahead of" : "behind");
        const std::string mend = "keep both by NTP: apt install systemd-timesyncd, timedatectl set-ntp true";
        if (distance > clock_wrong) {
            fail("clock", text + ": certificates that are signed there are not valid here yet, or no longer", mend);
        } else {
            warn("clock", text + ": times of snapshots and events are off by that", mend);
        }
    }

    void about_peers() {
        if (f_.peers.empty()) return;
        const std::size_t before = found_.size();
        for (const PeerFacts& peer : f_.peers) {
            if (peer.fault.empty()) continue;
            fail("peers",
                 fmt::format("{} can't be reached at {}:{} ({}): {}", peer.node, peer.address, peer.port, peer.purpose,
                             peer.fault),
                 "start flockerd there, or let the firewalls between pass TCP to that port");
        }
        if (found_.size() == before) ok("peers", "the ports of all other nodes can be reached");
    }

    const Facts& f_;
    std::vector<Finding> found_;
};

}  // namespace

std::vector<Finding> findings(const Facts& facts) { return Report(facts).take(); }

}  // namespace flocker::doctor
