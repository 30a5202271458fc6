// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <variant>
#include <vector>

#include "base/result.hpp"
#include "model/action.hpp"
#include "plan/turns.hpp"

namespace flocker::protocol {

/// Brings one dataset's snapshots to one other node, one after another: ask what it holds, take a
/// snapshot, send the difference, wait for the receipt, and again while there is something new.
///
/// For a move (urgent) that is as fast as it goes. A replica's rounds begin half its wished lag after each
/// other, and only when somebody has looked and found that there is something new: wants_look(), looked().
/// Feeds of one dataset share their snapshots. A round begins when it is this feed's turn (plan/turns.hpp); of
/// a sealed dataset at once.
///
/// A snapshot that was cut on its way, and that the other side has in part, is sent again before anything newer;
/// until then it and its base are in_use(), for partial_kept at most.
///
/// Sans-IO. The owner of the feed performs the effects and feeds the outcomes back; wakes it when
/// deadline() is past or when the dataset is seen anew. A send whose outcome is unknown is not
/// repeated: the other side is asked first what it holds.
class Feed {
public:
    struct Ask {};
    struct Pace {
        bool urgent{false};
        Duration lag{1s};
        bool turn{true};  ///< A round may begin.
    };
    /// What the other side has.
    struct Held {
        std::vector<model::SnapshotId> snapshots;  ///< Whole ones, oldest first.
        std::optional<model::PartialSeen> partial{};
    };
    struct TakeOne {};  ///< A new snapshot, please; the dataset is then seen with it.
    struct Look {};     ///< See the dataset anew: has it changed?
    struct Send { std::optional<model::SnapshotId> base; model::SnapshotId to; };
    using Effect = std::variant<Ask, TakeOne, Look, Send>;

    Feed(model::DatasetId dataset, model::NodeId to) { seen_.dataset = std::move(dataset); seen_.to = std::move(to); }

    /// What to do now, given how the dataset lies here.
    [[nodiscard]] std::vector<Effect> next(const model::DatasetSeen& dataset, const Pace& pace, Instant now);
    void told(const Result<Held>& held, const model::DatasetSeen& dataset, Instant now);
    void progressed(model::SendProgress progress);
    void sent(const Result<model::SendReceipt>& receipt, Instant now);
    /// The dataset was seen anew, by a look that began then.
    void looked(const model::DatasetSeen& dataset, Instant began);

    [[nodiscard]] const model::FeedSeen& seen() const { return seen_; }
    [[nodiscard]] bool wants_snapshot() const { return wants_snapshot_; }
    /// It waits for somebody to look whether there is something new.
    [[nodiscard]] bool wants_look() const { return wants_look_; }
    [[nodiscard]] bool has_asked() const { return asked_; }
    /// It would begin a round, if it were its turn.
    [[nodiscard]] bool waits_for_turn() const { return seen_.queued; }
    /// A round is under way. One whose snapshot can't be had for long is not.
    [[nodiscard]] bool in_round(Instant now) const;
    /// The round that is under way, or waits.
    [[nodiscard]] plan::Round round(const Pace& pace) const;
    /// Being sent, or to be sent again, and what it is sent from.
    [[nodiscard]] std::vector<model::SnapshotId> in_use() const;
    /// When next() is worth asking again; nullopt: when an outcome comes.
    [[nodiscard]] std::optional<Instant> deadline() const { return rest_until_; }
    /// Why it does not get on; nullopt: it does.
    [[nodiscard]] const std::optional<Error>& trouble() const { return trouble_; }
    [[nodiscard]] unsigned attempts() const { return failures_; }

private:
    void failed(const Error& error, Instant now);
    [[nodiscard]] bool may_begin(const model::DatasetSeen& dataset, const Pace& pace, Instant now);
    [[nodiscard]] Send next_send(const model::DatasetSeen& dataset);

    model::FeedSeen seen_;
    bool asking_{false};
    bool asked_{false};
    Instant believed_until_;
    bool wants_snapshot_{false};
    bool wants_look_{false};
    bool found_new_{false};  ///< A look since the last round has found something new.
    bool urgent_{false};
    bool extra_round_due_{false};  ///< After a full copy: see next().
    std::optional<Send> sending_;
    Instant sending_taken_;        ///< When the snapshot under way was taken.
    Instant sending_began_;
    std::optional<Send> cut_;      ///< The other side has a part of it, or may have.
    Instant cut_forgotten_;
    Instant waits_since_;          ///< For its turn.
    Instant snapshot_wished_;      ///< When the round under way began.
    std::optional<Instant> last_round_began_;
    std::optional<Instant> rest_until_;
    std::optional<Error> trouble_;
    unsigned failures_{0};
};

}  // namespace flocker::protocol
