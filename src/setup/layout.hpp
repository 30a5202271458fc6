// SPDX-License-Identifier: Apache-2.0
//
// Where a node keeps what belongs to Flocker.
//
//   <config>/flocker.yml              what flockerd is told; see manifest/daemon_config.hpp
//   <config>/ca.crt                   the cluster's CA
//   <config>/node.crt, node.key       this node's identity
//   <config>/control.crt, control.key where the control service runs
//   <config>/ca.key                   there, too
//   <config>/user.crt, user.key       the user "admin", on the first node
//   <config>/context.json             how `flocker` finds the control service
//   <state>/node.json                 how this node introduces itself
//   <state>/assignment.json           the last assignment that the agent saw
//   <state>/gate                      the gates of this node's containers; see adapters/docker
//   <state>/control.sqlite            the control service's records
//   <state>/tokens.sqlite             join tokens
//   <state>/control.json              where the control service is, once it has been taken over
//   <state>/control-before-*.sqlite   its records of before it stepped down, or of before a restore
//   <state>/copy.sqlite, copy-ca.key  elsewhere: the copy of the records, and of the CA's key
//   <state>/pool.img, <state>/pool    the pool, if init made one
#pragma once

#include <string>

namespace flocker::setup {

struct ConfigFolder {
    std::string path;
    [[nodiscard]] std::string file(const char* name) const { return path + "/" + name; }
    [[nodiscard]] std::string daemon() const { return file("flocker.yml"); }
    [[nodiscard]] std::string authority() const { return file("ca.crt"); }
    [[nodiscard]] std::string authority_key() const { return file("ca.key"); }
    [[nodiscard]] std::string certificate(const std::string& of) const { return path + "/" + of + ".crt"; }
    [[nodiscard]] std::string key(const std::string& of) const { return path + "/" + of + ".key"; }
    [[nodiscard]] std::string context() const { return file("context.json"); }
};

struct StateFolder {
    std::string path;
    [[nodiscard]] std::string file(const char* name) const { return path + "/" + name; }
    [[nodiscard]] std::string node() const { return file("node.json"); }
    [[nodiscard]] std::string assignment() const { return file("assignment.json"); }
    [[nodiscard]] std::string gate() const { return file("gate"); }
    [[nodiscard]] std::string records() const { return file("control.sqlite"); }
    [[nodiscard]] std::string tokens() const { return file("tokens.sqlite"); }
    [[nodiscard]] std::string place() const { return file("control.json"); }
    [[nodiscard]] std::string copy() const { return file("copy.sqlite"); }
    [[nodiscard]] std::string copied_authority_key() const { return file("copy-ca.key"); }
    [[nodiscard]] std::string pool_image() const { return file("pool.img"); }
    [[nodiscard]] std::string pool() const { return file("pool"); }
};

}  // namespace flocker::setup
