// SPDX-License-Identifier: Apache-2.0
//
// What is seen of one machine. Plain values: what they mean is said in findings.cpp.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "adapters/docker/engine_facts.hpp"
#include "base/bytes.hpp"
#include "base/time.hpp"

namespace flocker::doctor {

struct Engine {
    std::string socket;
    std::string fault;  ///< Why it can't be used; empty: it can.
    docker::EngineFacts facts;
};

struct PoolFacts {
    std::string path;  ///< Empty: none is chosen yet; then `btrfs_mounts`.
    std::string fault;  ///< Why it is none: "no btrfs is mounted there".
    std::vector<std::string> options;  ///< Of its mount.
    Bytes size;
    Bytes free;
    /// In a file: what is free on the disk that the file is on, and what the file may still grow by.
    std::optional<Bytes> disk_free;
    Bytes may_grow;
    std::vector<std::string> btrfs_mounts;  ///< Where a btrfs is mounted on this machine.
};

struct DiskFacts {
    std::string path;
    Bytes size;
    Bytes free;
    std::uint64_t files{0};  ///< Inodes; 0: the file system does not count them.
    std::uint64_t files_free{0};
};

/// A port that Flocker listens on, or will.
struct PortFacts {
    std::uint16_t number{0};
    std::string purpose;
    std::string holder;  ///< The program that listens there; empty: nobody.
    int pid{0};
};

struct PeerFacts {
    std::string node;
    std::string address;
    std::uint16_t port{0};
    std::string purpose;
    std::string fault;  ///< Empty: it can be reached.
};

struct IdentityFacts {
    std::string path;
    bool is_key{false};
    std::string fault;  ///< It can't be read, or makes no sense.
    unsigned mode{0};
    unsigned owner{0};
    std::optional<Instant> valid_from;  ///< Of a certificate.
    std::optional<Instant> valid_until;
};

struct ControlFacts {
    bool here{false};
    std::string address;
    std::string fault;            ///< Why it can't be reached from here; empty: it can.
    std::optional<Duration> off;  ///< How far this machine's clock is behind its.
    std::optional<Duration> unheard;  ///< For so long this node's flockerd has not heard it.
    std::string records_fault;    ///< `here`, while flockerd does not run: what is wrong with its records.
};

struct KernelFacts {
    std::string release;
    bool btrfs{false};
    bool overlay{false};
    std::string nftables_fault;   ///< Empty: they can be used.
    bool conntrack{false};
    std::uint64_t connections{0};
    std::uint64_t connections_max{0};
    bool packet_queue{false};     ///< nfnetlink_queue.
    bool forwards{false};         ///< net.ipv4.ip_forward.
    bool cgroups{false};          ///< A cgroup hierarchy is mounted.
    std::vector<std::string> missing_programs;
};

/// An IPv4 network that this machine has an interface in.
struct NetworkFacts {
    std::string interface;
    std::string network;  ///< "10.213.0.0/16"
};

struct Facts {
    Instant now;
    bool root{false};
    bool is_node{false};       ///< There is a configuration, and it makes sense.
    std::string config;        ///< Its path.
    std::string config_fault;  ///< It is there and makes no sense.
    std::string node;          ///< This node's name.
    std::string subnet;        ///< Of its containers.
    bool daemon_runs{false};
    Engine engine;
    PoolFacts pool;
    std::vector<DiskFacts> disks;
    std::vector<PortFacts> ports;
    std::vector<PeerFacts> peers;
    std::vector<IdentityFacts> identity;
    std::optional<ControlFacts> control;
    KernelFacts kernel;
    std::vector<NetworkFacts> networks;  ///< Without our own bridge.
};

}  // namespace flocker::doctor
