// SPDX-License-Identifier: Apache-2.0
#include "load/others.hpp"

#include <thread>

#include "load/noise.hpp"

namespace flocker::load {
namespace {

/// Rows of all of them together: 32 MiB in PostgreSQL, which keeps place for a second one beside each.
constexpr std::uint64_t rows = 4096;

/// Prime to `rows`: neighbours in time are no neighbours on the disk.
constexpr std::uint64_t stride = 1031;

void overwrite_for_ever(const Arguments& arguments, std::uint64_t first, const Others::Told& told) {
    const auto database = make_database(arguments.target);
    const std::string text = noise_text(2 * arguments.others_payload);
    bool connected = false;
    for (std::uint64_t turn = 0;; ++turn) {
        const auto begun = std::chrono::steady_clock::now();
        if (!connected) {
            const Attempt made = database->connect();
            connected = made.outcome == Outcome::done;
            if (!connected) {
                told(made);
                std::this_thread::sleep_until(begun + arguments.retry);
                continue;
            }
        }
        const std::uint64_t row = (first + turn * stride * arguments.others) % rows;
        const std::string payload = text.substr(turn % arguments.others_payload, arguments.others_payload);
        const Attempt written = database->overwrite(row, payload);
        connected = written.outcome == Outcome::done;
        told(written);
        std::this_thread::sleep_until(begun + arguments.others_interval);
    }
}

}  // namespace

Others::Others(const Arguments& arguments, const Told& told) {
    for (std::uint64_t i = 0; i < arguments.others; ++i) {
        std::thread{[arguments, i, told] { overwrite_for_ever(arguments, i, told); }}.detach();
    }
}

std::string noise_text(std::size_t length) {
    std::string text(length, '\0');
    Noise{}.fill(text);
    for (char& byte : text) byte = "abcdefghijklmnop"[static_cast<unsigned char>(byte) & 0xf];
    return text;
}

}  // namespace flocker::load
