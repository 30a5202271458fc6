// SPDX-License-Identifier: Apache-2.0
//
// Nothing is left over, ever: a process that does all kinds of things to a pool is killed at any instant, again and
// again; after each kill one observe() leaves exactly what the datasets account for.
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <random>
#include <set>
#include <sstream>
#include <thread>

#include "adapters/btrfs/dataset_disk.hpp"
#include "adapters/btrfs/snapshot_streams.hpp"
#include "tests/contract/btrfs_store_test.hpp"
#include "tests/contract/kill_loop.hpp"
#include "tests/contract/loop_pool.hpp"

namespace flocker::contract {
namespace {

namespace fs = std::filesystem;
using namespace model;
using Names = std::set<std::string>;

constexpr int kills = 500;
constexpr Duration life_at_most = 90ms;
const std::vector<DatasetId> datasets{orders, DatasetId{"6e7a1c52-0d7f-4a53-9f2e-3a1b5c7d9e02"},
                                      DatasetId{"6e7a1c52-0d7f-4a53-9f2e-3a1b5c7d9e03"}};

unsigned seed() {
    const char* given = std::getenv("FLOCKER_SEED");
    return given != nullptr ? static_cast<unsigned>(std::strtoul(given, nullptr, 10)) : std::random_device{}();
}

/// A snapshot on its way: what another node would send.
struct Parcel {
    std::optional<SnapshotId> base;
    SnapshotId to;
    std::string bytes;
};

/// Two whole ones and the increment between them, so large that a kill meets them on their way.
std::vector<Parcel> make_parcels() {
    LoopPool pool("512M");
    btrfs::DatasetDisk disk({.pool = pool.pool(), .volumes = pool.volumes()});
    btrfs::BtrfsSnapshotStreams streams(pool.pool());
    const auto must = [&](const DatasetAction& action) { EXPECT_TRUE(disk.perform(action)); };
    must(CreateDataset{orders, Epoch{1}});
    must(MountDataset{orders});
    std::vector<Parcel> parcels{{{}, snap(1, 1), {}}, {snap(1, 1), snap(1, 2), {}}, {{}, snap(1, 2), {}}};
    for (const std::uint64_t i : {1U, 2U}) {
        run("head -c 3000000 /dev/urandom > " + (pool.volume(orders.value) / std::to_string(i)).string());
        must(TakeSnapshot{orders, snap(1, i)});
    }
    for (Parcel& parcel : parcels) {
        EXPECT_TRUE(streams.write(orders, parcel.base, parcel.to, [&](std::span<const std::byte> some) -> Status {
            parcel.bytes.append(reinterpret_cast<const char*>(some.data()), some.size());
            return {};
        }));
    }
    return parcels;
}

/// Does whatever comes into its head, in two threads: one acts, one carries snapshots.
class Vandal {
public:
    Vandal(const btrfs::Options& options, const std::vector<Parcel>& parcels, unsigned seed)
        : options_(options), parcels_(parcels), random_(seed) {}

    void run() {
        std::thread carrier([this, seed = random_()] { carry(std::mt19937(seed)); });
        btrfs::DatasetDisk disk(options_);
        for (;;) {
            const DatasetId& id = datasets.at(draw(datasets.size()));
            const auto seen = disk.observe_one(id);
            if (!seen) must_be_bearable(seen.error());
            if (seen && *seen && (*seen)->mounted && !(*seen)->seal && draw(3) == 0) write(id);
            if (draw(40) == 0) must_be_bearable(disk.observe().map([](const auto&) {}));
            const auto done = disk.perform(something(id, seen ? *seen : std::nullopt));
            if (!done) must_be_bearable(done.error());
        }
    }

private:
    std::size_t draw(std::size_t below) { return random_() % below; }

    /// Refused is fine: it was nonsense perhaps.
    static void must_be_bearable(const Error& error) {
        if (error.code != ErrorCode::corrupt && error.code != ErrorCode::internal) return;
        std::cerr << error << std::endl;
        ::_exit(1);
    }
    static void must_be_bearable(const Status& status) {
        if (!status) must_be_bearable(status.error());
    }

    void write(const DatasetId& id) {
        const fs::path file = fs::path(options_.volumes) / id.value / ("file" + std::to_string(draw(4)));
        std::ofstream(file, std::ios::app) << std::string(1 + draw(100'000), 'x');
    }

    SnapshotId one_of(const std::vector<SnapshotSeen>& snapshots) {
        return snapshots.empty() ? snap(1, 1 + draw(3)) : snapshots.at(draw(snapshots.size())).id;
    }

    DatasetAction something(const DatasetId& id, const std::optional<DatasetSeen>& before) {
        const DatasetSeen seen = before.value_or(DatasetSeen{});
        const Epoch next{seen.epoch.value + 1};
        const MoveId move{1 + draw(3)};
        const SnapshotId fresh{seen.epoch, seen.snapshots.empty() ? 3 + draw(3) : seen.snapshots.back().id.sequence + 1};
        switch (draw(18)) {
            case 0:
            case 1: return CreateDataset{id, Epoch{1}};
            case 2:
            case 3: return MountDataset{id};
            case 4:
            case 5: return TakeSnapshot{id, fresh};
            case 6: return SealDataset{id, move, fresh, Revision{1}};
            case 7: return UnsealDataset{id, seen.epoch};
            case 8:
            case 9: return StartTrial{id, move, one_of(seen.snapshots)};
            case 10: return SyncTrial{id};
            case 11: return AdoptTrial{id, seen.trial ? seen.trial->move : move, next, alder};
            case 12: return DiscardTrial{id};
            case 13: return DemoteDataset{id, next, {}};
            case 14: return DemoteDataset{id, next, one_of(seen.snapshots)};
            case 15: return DropSnapshots{id, {one_of(seen.snapshots), one_of(seen.snapshots)}};
            case 16: return NoteAcknowledged{id, alder, one_of(seen.snapshots)};
            default: break;
        }
        return draw(3) == 0 ? DatasetAction{ReleaseReplica{id}} : DatasetAction{DestroyDataset{id}};
    }

    // --- the carrier -----------------------------------------------------------------------------

    [[noreturn]] void carry(std::mt19937 random) const {
        // Kept on the way often, so that parts are cut as well.
        btrfs::BtrfsSnapshotStreams streams(options_.pool, {.every = std::chrono::hours{1}, .every_bytes = Bytes{256 << 10U}});
        for (;;) {
            const DatasetId& id = datasets.at(random() % datasets.size());
            const Parcel& parcel = parcels_.at(random() % parcels_.size());
            if (random() % 4 == 0) {
                must_be_bearable(streams.write(id, parcel.base, parcel.to, [](auto) { return Status{}; }));
                continue;
            }
            // One in two is cut.
            const std::size_t end = random() % 2 == 0 ? parcel.bytes.size() : random() % parcel.bytes.size();
            const auto kept = streams.kept(id);
            if (!kept) must_be_bearable(kept.error());
            if (kept && *kept && random() % 2 == 0) {
                const Parcel* same = of((*kept)->base, (*kept)->to);
                std::size_t at = static_cast<std::size_t>((*kept)->at.offset.value);
                if (same) must_be_bearable(streams.read_on(id, **kept, source(*same, at, std::max(end, at))));
            } else {
                std::size_t at = 0;
                must_be_bearable(streams.read(id, Epoch{1 + random() % 3}, parcel.base, parcel.to, source(parcel, at, end)));
            }
        }
    }
    [[nodiscard]] const Parcel* of(const std::optional<SnapshotId>& base, const SnapshotId& to) const {
        for (const Parcel& parcel : parcels_) {
            if (parcel.base == base && parcel.to == to) return &parcel;
        }
        return nullptr;
    }
    static ports::Source source(const Parcel& parcel, std::size_t& at, std::size_t end) {
        return [&parcel, &at, end](std::span<std::byte> buffer) -> Result<std::size_t> {
            const std::size_t stop = std::min(end, parcel.bytes.size());
            if (at >= stop && stop < parcel.bytes.size()) return fail(ErrorCode::unavailable, "the link was cut");
            const std::size_t some = at < stop ? std::min(buffer.size(), stop - at) : 0;
            std::memcpy(buffer.data(), parcel.bytes.data() + at, some);
            at += some;
            return some;
        };
    }

    const btrfs::Options& options_;
    const std::vector<Parcel>& parcels_;
    std::mt19937 random_;
};

// --- what is there, counted from outside --------------------------------------------------------

std::string output_of(const std::string& command) {
    std::string text;
    std::FILE* pipe = ::popen(command.c_str(), "r");
    char piece[4096];
    while (pipe != nullptr && std::fgets(piece, sizeof piece, pipe) != nullptr) text += piece;
    if (pipe != nullptr) ::pclose(pipe);
    return text;
}

Names names_in(const fs::path& folder) {
    Names names;
    if (!fs::exists(folder)) return names;
    for (const auto& entry : fs::directory_iterator(folder)) names.insert(entry.path().filename());
    return names;
}

class BtrfsSweep : public ::testing::Test {
protected:
    struct Count {
        std::size_t subvolumes{0};
        std::size_t descriptors{0};
        std::string loop_devices;
        friend bool operator==(const Count&, const Count&) = default;
    };
    [[nodiscard]] Count count() const {
        const std::string listed = output_of("btrfs subvolume list " + pool_.pool());
        return {static_cast<std::size_t>(std::ranges::count(listed, '\n')), names_in("/proc/self/fd").size(),
                output_of("losetup --list --noheadings --output BACK-FILE | grep flkt-btrfs-" + std::to_string(::getpid()))};
    }

    /// What must lie in the folder of a dataset.
    static Names names_of(const DatasetSeen& seen) {
        Names names{"marker.json"};
        if (seen.live) names.insert("live");
        if (seen.trial) names.insert("trial");
        for (const SnapshotSeen& snapshot : seen.snapshots) names.insert(to_text(snapshot.id));
        for (const SetAsideSeen& aside : seen.set_aside) names.insert("aside-" + to_text(aside.id));
        return names;
    }

    /// Takes the part of a long snapshot out of the names, if one is kept; false: more or less than that is there.
    bool take_part(const DatasetId& id, Names& names) {
        const auto kept = btrfs::BtrfsSnapshotStreams(pool_.pool()).kept(id);
        if (!kept || !*kept) return true;
        parts_kept_ += 1;
        return names.erase("partial.json") == 1 && std::erase_if(names, [](const std::string& name) {
                                                       return name.starts_with(".partial-");
                                                   }) == 1;
    }

    void account(const std::vector<DatasetSeen>& all) {
        Names expected;
        std::multiset<std::string> mounted;
        std::size_t subvolumes = 0;
        const fs::path folder = fs::path(pool_.pool()) / "flocker";
        for (const DatasetId& id : datasets) {
            if (!fs::exists(folder / id.value)) continue;
            Names names = names_in(folder / id.value);
            for (const std::string& name : names) subvolumes += fs::is_directory(folder / id.value / name) ? 1U : 0U;
            expected.insert(id.value);
            EXPECT_TRUE(take_part(id, names)) << id;
            const auto seen = std::ranges::find(all, id, &DatasetSeen::id);
            if (seen != all.end()) {
                EXPECT_EQ(names, names_of(*seen)) << id;
                if (seen->mounted) mounted.insert(pool_.volume(id.value));
            } else {
                names.erase("marker.json");
                EXPECT_EQ(names, Names{}) << id << " has no data, and a part at most";
            }
        }
        EXPECT_EQ(names_in(folder), expected);
        EXPECT_EQ(count().subvolumes, subvolumes);
        const auto points = mounts_below(pool_.volumes());
        EXPECT_EQ(std::multiset<std::string>(points.begin(), points.end()), mounted);
        for (const std::string& name : names_in(pool_.volumes())) EXPECT_TRUE(expected.contains(name)) << name;
    }

    LoopPool pool_{"1G"};
    btrfs::Options options_{.pool = pool_.pool(), .volumes = pool_.volumes(), .patience = 50ms};
    std::size_t parts_kept_{0};
};

TEST_F(BtrfsSweep, LeavesNothingBehindAfterFiveHundredKillsAtAnyInstant) {
    const std::vector<Parcel> parcels = make_parcels();
    const unsigned drawn = seed();
    std::cout << "seed " << drawn << ": FLOCKER_SEED=" << drawn << " draws the same again\n";
    std::mt19937 random(drawn);
    {
        btrfs::DatasetDisk disk(options_);
        ASSERT_TRUE(disk.perform(CreateDataset{orders, Epoch{1}}));
        ASSERT_TRUE(disk.perform(MountDataset{orders}));
        ASSERT_TRUE(disk.perform(DestroyDataset{orders}));
    }
    const Count before = count();
    std::map<std::string, int> met;
    for (int round = 0; round < kills; ++round) {
        ASSERT_TRUE(kill_at_an_instant(random, life_at_most, [&, own = static_cast<unsigned>(random())] {
            Vandal(options_, parcels, own).run();
        })) << "round " << round;
        for (const DatasetId& id : datasets) {
            for (const std::string& name : names_in(fs::path(pool_.pool()) / "flocker" / id.value)) {
                if (name.starts_with(".")) ++met[name.substr(0, name.find('-'))];
            }
        }
        btrfs::DatasetDisk disk(options_);
        const auto all = disk.observe();
        ASSERT_TRUE(all) << "round " << round << ": " << all.error();
        account(*all);
        ASSERT_FALSE(HasFailure()) << "round " << round;
    }
    for (const auto& [what, times] : met) std::cout << what << " was met " << times << " times\n";
    EXPECT_GT(met[".incoming"], 0) << "no kill has met a snapshot on its way in";
    EXPECT_GT(met[".dropping"], 0) << "no kill has met something on its way out";
    EXPECT_GT(parts_kept_, 0U) << "no part was kept";

    btrfs::DatasetDisk disk(options_);
    for (const DatasetId& id : datasets) ASSERT_TRUE(disk.perform(DestroyDataset{id}));
    ASSERT_EQ(disk.observe().value().size(), 0U);
    EXPECT_EQ(count().subvolumes, before.subvolumes);
    EXPECT_EQ(count(), before);
    account({});
    EXPECT_EQ(names_in(pool_.volumes()), Names{});
}

}  // namespace
}  // namespace flocker::contract
