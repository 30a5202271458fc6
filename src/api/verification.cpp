// SPDX-License-Identifier: Apache-2.0
#include "api/verification.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>

namespace flocker::api {
namespace {

using ports::DigestMark;
using ports::DigestProgress;
using ports::DigestRange;
using ports::TreeDigest;
using News = std::variant<DigestProgress, DigestMark>;

/// Between two words of progress.
constexpr Duration tell_interval = 500ms;
/// How often a node whose digest is made hears that its tree is still wanted.
constexpr Duration wanted_interval = 60s;
/// More of a tree is not known by its marks.
constexpr std::size_t marks_max = 1'000'000;
constexpr std::uint64_t entries_max = 4096;

}  // namespace

/// One node's tree, and the thread that waits for its digest.
class Verification::Side {
public:
    Side(model::Node node, std::unique_ptr<ports::HeldTree> tree) : node_(std::move(node)), tree_(std::move(tree)) {}
    ~Side() {
        stop();
        finish();
    }
    Side(const Side&) = delete;
    Side& operator=(const Side&) = delete;

    void start() {
        try {
            thread_ = std::thread([this] { make_digest(); });
        } catch (const std::system_error& error) {
            outcome_ = fail(ErrorCode::unavailable, std::string("cannot start a thread: ") + error.what());
        }
    }
    /// The digest that is being made ends soon.
    void stop() {
        const std::lock_guard lock(mutex_);
        stopped_ = true;
    }
    /// Its tree can be asked from this thread afterwards.
    void finish() {
        {
            const std::lock_guard lock(mutex_);
            released_ = true;
            changed_.notify_all();
        }
        if (thread_.joinable()) thread_.join();
    }
    /// True: the digest is made, or can't be.
    [[nodiscard]] bool wait(Duration limit) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, limit, [this] { return outcome_.has_value(); });
    }
    [[nodiscard]] VerifyProgress progress() {
        const std::lock_guard lock(mutex_);
        return {node_.name,      progress_.entries,        progress_.entries_expected,
                progress_.bytes, progress_.bytes_expected, outcome_.has_value()};
    }

    // After finish().
    [[nodiscard]] const model::Node& node() const { return node_; }
    [[nodiscard]] const Result<TreeDigest>& outcome() const { return *outcome_; }
    [[nodiscard]] const std::vector<DigestMark>& marks() const { return marks_; }
    [[nodiscard]] ports::HeldTree& tree() { return *tree_; }

private:
    void make_digest() {
        auto outcome = tree_->digest({}, [this](const News& news) -> Status {
            const std::lock_guard lock(mutex_);
            if (stopped_) return fail(ErrorCode::unavailable, "ended before it was done");
            if (const auto* progress = std::get_if<DigestProgress>(&news)) progress_ = *progress;
            const auto* mark = std::get_if<DigestMark>(&news);
            if (mark && marks_.size() < marks_max) marks_.push_back(*mark);
            return {};
        });
        std::unique_lock lock(mutex_);
        const bool made = outcome.has_value();
        if (made) progress_.entries = outcome->entries, progress_.bytes = outcome->bytes;
        outcome_ = std::move(outcome);
        changed_.notify_all();
        // Somebody slower is waited for.
        while (made && !changed_.wait_for(lock, wanted_interval, [this] { return released_; })) {
            lock.unlock();
            static_cast<void>(tree_->digest(DigestRange{}, [](const News&) -> Status { return {}; }));
            lock.lock();
        }
    }

    model::Node node_;
    std::unique_ptr<ports::HeldTree> tree_;
    std::thread thread_;
    std::mutex mutex_;  ///< Guards what follows.
    std::condition_variable changed_;
    DigestProgress progress_;
    std::vector<DigestMark> marks_;
    std::optional<Result<TreeDigest>> outcome_;
    bool stopped_{false};
    bool released_{false};
};

Verification::Verification(plan::Comparison what, DigestSource digests)
    : what_(std::move(what)), digests_(std::move(digests)) {}

Verification::~Verification() {
    for (const auto& side : sides_) side->stop();
}

Status Verification::hold() {
    FLOCKER_TRY(auto owners, digests_(what_.owner, what_.dataset, what_.snapshot));
    sides_.push_back(std::make_unique<Side>(what_.owner, std::move(owners)));
    for (const model::Node& node : what_.replicas) {
        auto tree = digests_(node, what_.dataset, what_.snapshot);
        if (!tree && tree.error().code == ErrorCode::not_found) return tl::unexpected(tree.error());
        if (tree) {
            sides_.push_back(std::make_unique<Side>(node, *std::move(tree)));
        } else {
            what_.left_out.emplace_back(node, tree.error().message);
        }
    }
    return {};
}

Result<std::vector<VerifyVerdict>> Verification::run(const Teller& tell) {
    std::vector<VerifyVerdict> verdicts;
    if (sides_.size() > 1) {
        for (const auto& side : sides_) side->start();
        FLOCKER_CHECK_OK(await_all(tell));
        for (const auto& side : sides_) side->finish();
        const Side& owner = *sides_.front();
        if (!owner.outcome()) return fail_in(owner.node().name, owner.outcome().error());
        for (std::size_t i = 1; i < sides_.size(); ++i) verdicts.push_back(verdict_of(*sides_[i], tell));
    }
    for (const auto& [node, reason] : what_.left_out) {
        VerifyVerdict verdict;
        verdict.replica = node.name;
        verdict.reason = reason;
        verdicts.push_back(std::move(verdict));
    }
    return verdicts;
}

Status Verification::await_all(const Teller& tell) {
    for (;;) {
        const auto until = std::chrono::steady_clock::now() + tell_interval;
        const bool over = std::ranges::all_of(sides_, [&](const auto& side) {
            return side->wait(std::max<Duration>(until - std::chrono::steady_clock::now(), Duration{}));
        });
        for (const auto& side : sides_) {
            VerifyLine line;
            line.progress = side->progress();
            FLOCKER_CHECK_OK(tell(line));
        }
        if (over) return {};
        // Without the owner's there is nothing to compare with.
        if (sides_.front()->wait({}) && !sides_.front()->outcome()) {
            for (const auto& side : sides_) side->stop();
        }
    }
}

VerifyVerdict Verification::verdict_of(Side& replica, const Teller& tell) {
    VerifyVerdict verdict;
    verdict.replica = replica.node().name;
    if (!replica.outcome()) {
        verdict.reason = replica.outcome().error().message;
        return verdict;
    }
    const TreeDigest& owners = *sides_.front()->outcome();
    const TreeDigest& theirs = *replica.outcome();
    verdict.equal = owners.digest == theirs.digest;
    verdict.digest = theirs.digest;
    verdict.owner_digest = owners.digest;
    verdict.entries = theirs.entries;
    verdict.bytes = theirs.bytes;
    if (!*verdict.equal) verdict.first_difference = first_difference(replica, tell);
    return verdict;
}

/// Empty: it can't be told any more.
std::string Verification::first_difference(Side& replica, const Teller& tell) {
    Side& owner = *sides_.front();
    const auto [ours, theirs] = std::ranges::mismatch(owner.marks(), replica.marks());
    const bool we_have = ours != owner.marks().end();
    const bool they_have = theirs != replica.marks().end();
    const std::uint64_t first = ours == owner.marks().begin() ? 0 : (ours - 1)->entry + 1;
    const std::uint64_t our_last = we_have ? ours->entry : owner.outcome()->entries - 1;
    const std::uint64_t their_last = they_have ? theirs->entry : replica.outcome()->entries - 1;
    const std::uint64_t last = std::max(our_last, their_last);
    // Two marks are never this far apart; there may be none of the rest of a huge tree.
    if (first > last || last - first >= entries_max) return {};
    const DigestRange range{first, last - first + 1};
    if (range.count == 1 && we_have && they_have && ours->path == theirs->path) return ours->path;

    const auto entries_of = [&](Side& side) -> Result<std::vector<DigestMark>> {
        std::vector<DigestMark> entries;
        auto told = std::chrono::steady_clock::now();
        FLOCKER_TRY(const auto made, side.tree().digest(range, [&](const News& news) -> Status {
            if (const auto* mark = std::get_if<DigestMark>(&news)) entries.push_back(*mark);
            const auto now = std::chrono::steady_clock::now();
            if (now - told < tell_interval) return {};
            told = now;
            VerifyLine line;
            line.progress = side.progress();
            return tell(line);
        }));
        static_cast<void>(made);
        return entries;
    };
    const auto our_entries = entries_of(owner);
    const auto their_entries = entries_of(replica);
    if (!our_entries || !their_entries) return {};
    const auto [one, other] = std::ranges::mismatch(*our_entries, *their_entries);
    const std::string here = one == our_entries->end() ? "" : one->path;
    const std::string there = other == their_entries->end() ? "" : other->path;
    if (here == there) return here;
    const std::string on_owner = fmt::format("{} on {}", here, owner.node().name);
    const std::string on_replica = fmt::format("{} on {}", there, replica.node().name);
    if (there.empty()) return on_owner;
    return here.empty() ? on_replica : fmt::format("{}, {}", on_owner, on_replica);
}

}  // namespace flocker::api
