// SPDX-License-Identifier: Apache-2.0
#include "tests/contract/tree_text.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <sstream>
#include <vector>

namespace flocker::contract {
namespace {

namespace fs = std::filesystem;

std::string quoted(const std::string& raw) {
    std::ostringstream out;
    for (const char c : raw) {
        if (c > ' ' && c < 127 && c != '\\') {
            out << c;
        } else {
            out << "\\x" << std::hex << static_cast<int>(static_cast<unsigned char>(c)) << std::dec << ';';
        }
    }
    return out.str();
}

std::string attributes_of(const fs::path& path) {
    std::string names(64 * 1024, '\0');
    const ssize_t size = ::llistxattr(path.c_str(), names.data(), names.size());
    EXPECT_GE(size, 0) << path;
    std::map<std::string, std::string> all;
    std::istringstream list(names.substr(0, static_cast<std::size_t>(std::max<ssize_t>(size, 0))));
    for (std::string name; std::getline(list, name, '\0');) {
        std::string value(64 * 1024, '\0');
        const ssize_t length = ::lgetxattr(path.c_str(), name.c_str(), value.data(), value.size());
        EXPECT_GE(length, 0) << path << " " << name;
        all[name] = value.substr(0, static_cast<std::size_t>(std::max<ssize_t>(length, 0)));
    }
    std::string text;
    for (const auto& [name, value] : all) text += " " + name + "=" + quoted(value);
    return text;
}

std::string content_of(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    const std::string content{std::istreambuf_iterator<char>(file), {}};
    if (content.size() < 100) return quoted(content);
    return std::to_string(std::hash<std::string>{}(content));
}

}  // namespace

std::string tree_text(const fs::path& root) {
    std::vector<fs::path> paths{root};
    for (const auto& entry : fs::recursive_directory_iterator(root)) paths.push_back(entry.path());
    std::sort(paths.begin(), paths.end());
    std::map<ino_t, std::string> first_name;
    std::ostringstream out;
    for (const fs::path& path : paths) {
        struct stat seen {};
        EXPECT_EQ(::lstat(path.c_str(), &seen), 0) << path;
        const std::string name = quoted(fs::relative(path, root).string());
        out << name << " " << std::oct << seen.st_mode << std::dec << " " << seen.st_uid << ":" << seen.st_gid << " "
            << seen.st_mtim.tv_sec << "." << seen.st_mtim.tv_nsec;
        if (!S_ISDIR(seen.st_mode)) out << " links " << seen.st_nlink << " size " << seen.st_size;
        if (S_ISCHR(seen.st_mode) || S_ISBLK(seen.st_mode)) out << " device " << seen.st_rdev;
        out << attributes_of(path);
        if (const auto [first, fresh] = first_name.emplace(seen.st_ino, name); !fresh) out << " is " << first->second;
        if (S_ISLNK(seen.st_mode)) out << " -> " << quoted(fs::read_symlink(path).string());
        if (S_ISREG(seen.st_mode)) out << " holds " << content_of(path);
        out << "\n";
    }
    return out.str();
}

}  // namespace flocker::contract
