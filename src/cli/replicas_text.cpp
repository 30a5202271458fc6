// SPDX-License-Identifier: Apache-2.0
#include "cli/replicas_text.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "cli/text.hpp"
#include "codec/json_encoder.hpp"
#include "manifest/duration.hpp"

namespace flocker::cli {
namespace {

using api::CopyEntry;
using api::ReplicaEntry;
using api::VolumeEntry;

/// Reports come every second; a proof that is older than this says so.
constexpr Duration proof_fresh = 3s;

/// The format is docs/cli.md's.
struct SnapshotRow {
    std::string node;
    model::SnapshotId snapshot;
    std::string kind;
    Instant taken;
    std::optional<Bytes> size;
    bool removing{false};  ///< Not in the JSON: it is not there for long.
};
struct Snapshots {
    std::string volume;
    std::vector<SnapshotRow> snapshots;
};

template <class V>
void fields(V&& visit, codec::Either<SnapshotRow> auto& row) {
    visit("node", row.node);
    visit("snapshot", row.snapshot);
    visit("kind", row.kind);
    visit("taken", row.taken);
    visit("size", row.size);
}
template <class V>
void fields(V&& visit, codec::Either<Snapshots> auto& document) {
    visit("volume", document.volume);
    visit("snapshots", document.snapshots);
}

const CopyEntry* copy_on(const VolumeEntry& volume, const std::string& node) {
    const auto found = std::ranges::find(volume.copies, node, &CopyEntry::node);
    return found == volume.copies.end() ? nullptr : &*found;
}

/// Before it holds anything of the present owner.
std::string copying_text(const VolumeEntry& volume, const ReplicaEntry& replica) {
    const CopyEntry* copy = copy_on(volume, replica.node);
    std::string text = copy && !copy->snapshots.empty() ? "catching up" : "first copy";
    if (replica.round_expected.value > 0) {
        const double part =
            static_cast<double>(replica.round_sent.value) / static_cast<double>(replica.round_expected.value);
        text += fmt::format(" {} %", static_cast<int>(std::min(part * 100, 99.0)));
    }
    return text;
}

/// The reason, where the rest does not tell it already.
std::string note_of(const ReplicaEntry& replica) {
    const bool copying = !replica.behind && replica.reason.find("first copy") != std::string::npos;
    return copying ? "" : replica.reason;
}

std::string amount_text(const VolumeEntry& volume, const ReplicaEntry& replica) {
    return replica.behind ? lag_text(*replica.behind) : copying_text(volume, replica);
}

Tone tone_of(const ReplicaEntry& replica) {
    if (!note_of(replica).empty()) return Tone::bad;
    return replica.behind ? Tone::good : Tone::busy;
}

std::string name_of(const VolumeEntry& volume) {
    return volume.application.value_or(volume.dataset.value);
}

std::string copy_state(const CopyEntry& copy) {
    if (!copy.present) return "not seen";
    if (copy.trial) return "trial";
    if (copy.sealed) return "sealed";
    if (copy.owner) return copy.mounted ? "owner, mounted" : "owner";
    if (copy.leaving) return "being let go";
    return copy.snapshots.empty() && !copy.set_aside.empty() ? "set aside only" : "replica";
}

std::string wish_text(const VolumeEntry& volume) {
    if (volume.wished_replicas == 0) return "none wished";
    const std::string where = volume.named_replicas ? fmt::format("on {}", fmt::join(*volume.named_replicas, ", "))
                              : volume.spread == model::Spread::datacenter ? "in other data centers first"
                                                                           : "anywhere";
    return fmt::format("{} wished, at most {} behind, {}", volume.wished_replicas,
                       manifest::duration_text(volume.wished_lag), where);
}

/// Nodes that are to keep a replica and do not yet.
std::vector<std::string> missing_named(const VolumeEntry& volume) {
    std::vector<std::string> missing = volume.named_replicas.value_or(std::vector<std::string>{});
    std::erase_if(missing, [&](const std::string& node) {
        const auto kept = std::ranges::find(volume.replicas, node, &ReplicaEntry::node);
        return node == volume.owner_node || kept != volume.replicas.end();
    });
    return missing;
}

std::string copies_table(const VolumeEntry& volume, const Look& look) {
    Table table({"NODE", "COPY", "USED", "SNAPSHOTS", "NEWEST", "TAKEN"});
    for (const CopyEntry& copy : volume.copies) {
        const bool any = !copy.snapshots.empty();
        table.add({copy.node, copy_state(copy), copy.present ? to_text(copy.used) : "",
                   std::to_string(copy.snapshots.size()), any ? to_text(copy.snapshots.back().id) : "",
                   any ? to_utc_text(copy.snapshots.back().taken) : ""});
    }
    return table.text(look);
}

std::string lags_table(const VolumeEntry& volume, const Look& look) {
    Table table({"REPLICA", "BEHIND", "BYTES", "PROVEN", "HOLDS", ""});
    for (const ReplicaEntry& replica : volume.replicas) {
        table.add({replica.node,
                   {amount_text(volume, replica), tone_of(replica)},
                   replica.behind ? to_text(replica.bytes) : "",
                   replica.proof_age ? lag_text(*replica.proof_age) + " ago" : "never",
                   replica.snapshot ? to_text(*replica.snapshot) : "",
                   {note_of(replica), Tone::bad}});
    }
    return table.empty() ? "" : "\n" + table.text(look);
}

std::string set_aside_table(const VolumeEntry& volume, const Look& look) {
    Table table({"NODE", "SNAPSHOT", "TAKEN", "SIZE"});
    for (const CopyEntry& copy : volume.copies) {
        for (const auto& [id, taken, size] : copy.set_aside)
            table.add({copy.node, to_text(id), to_utc_text(taken), to_text(size)});
    }
    if (table.empty()) return "";
    return "\nSet aside: what a former owner wrote and no other node has. It is kept there.\n" + table.text(look);
}

std::vector<SnapshotRow> snapshots_of(const VolumeEntry& volume) {
    std::vector<SnapshotRow> rows;
    for (const CopyEntry& copy : volume.copies) {
        for (const auto& [id, taken] : copy.snapshots) {
            SnapshotRow row{copy.node, id, "snapshot", taken, {}, false};
            // What is used is that of the newest copy.
            if (!copy.owner && id == copy.snapshots.back().id) row.size = copy.used;
            rows.push_back(std::move(row));
        }
        for (const auto& [id, taken, size] : copy.set_aside) {
            rows.push_back({copy.node, id, "set aside", taken, size, copy.asides_to_go.contains(id)});
        }
    }
    return rows;
}

}  // namespace

std::string lag_text(Duration lag) {
    const double seconds = std::chrono::duration<double>(std::max(lag, Duration{})).count();
    if (seconds < 9.95) return fmt::format("{:.1f} s", seconds);
    return age_text(lag);
}

Cell behind_cell(const VolumeEntry& volume, const ReplicaEntry& replica) {
    std::string text = amount_text(volume, replica);
    if (replica.proof_age && *replica.proof_age > proof_fresh)
        text += fmt::format(", as of {} ago", age_text(*replica.proof_age));
    if (const std::string note = note_of(replica); !note.empty()) text += ": " + note;
    return {text, tone_of(replica)};
}

std::string replicas_table(const std::vector<VolumeEntry>& volumes, const Look& look) {
    Table table({"VOLUME", "OWNER", "REPLICA", "BEHIND"});
    for (const VolumeEntry& volume : volumes) {
        if (volume.destroying || !volume.application) continue;
        for (const ReplicaEntry& replica : volume.replicas)
            table.add({name_of(volume), volume.owner_node, replica.node, behind_cell(volume, replica)});
        if (!volume.established) continue;
        const auto missing = missing_named(volume);
        for (const std::string& node : missing)
            table.add({name_of(volume),
                       volume.owner_node,
                       node,
                       {"named, waits for the node or for room there", Tone::busy}});
        const auto kept = static_cast<std::uint32_t>(volume.replicas.size());
        if (kept >= volume.wished_replicas || !missing.empty()) continue;
        table.add({name_of(volume),
                   volume.owner_node,
                   "",
                   {fmt::format("{} of {} wished, no place for more yet", kept, volume.wished_replicas), Tone::busy}});
    }
    return table.empty() ? "" : table.text(look);
}

std::string replicas_text(const VolumeEntry& volume) {
    std::string text;
    for (const CopyEntry& copy : volume.copies) {
        if (copy.owner) continue;
        text += (text.empty() ? "" : ", ") + copy.node;
        const auto replica = std::ranges::find(volume.replicas, copy.node, &ReplicaEntry::node);
        if (replica != volume.replicas.end()) {
            text += " " + amount_text(volume, *replica);
        } else if (!copy.present) {
            text += " (not seen)";
        }
    }
    return text;
}

Cell volume_state(const VolumeEntry& volume) {
    if (volume.destroying) return {"being destroyed", Tone::bad};
    if (volume.application) return {"attached", Tone::good};
    return {"detached", Tone::busy};
}

std::string volume_text(const VolumeEntry& volume, const Look& look) {
    std::string text =
        fmt::format("Volume       {}\nState        {}\n", volume.dataset.value, volume_state(volume).text);
    if (volume.application)
        text += printable(fmt::format("Application  {}, at {}", *volume.application, volume.mountpoint)) + "\n";
    text += fmt::format("Owner        {}, epoch {}{}\n", volume.owner_node, volume.epoch.value,
                        volume.promoting ? ", taking over" : "");
    text += fmt::format("Replicas     {}\n", wish_text(volume));
    if (volume.bandwidth) text += fmt::format("Bandwidth    {}\n", to_text(*volume.bandwidth));
    text += "\n";
    return text + copies_table(volume, look) + lags_table(volume, look) + set_aside_table(volume, look);
}

std::string snapshots_text(const VolumeEntry& volume, const Look& look) {
    Table table({"NODE", "SNAPSHOT", "KIND", "TAKEN", "SIZE"});
    bool any_aside = false;
    for (const SnapshotRow& row : snapshots_of(volume)) {
        const bool aside = row.kind != "snapshot";
        any_aside = any_aside || aside;
        table.add({row.node,
                   to_text(row.snapshot),
                   {row.removing ? row.kind + ", being removed" : row.kind, aside ? Tone::busy : Tone::plain},
                   to_utc_text(row.taken),
                   row.size ? to_text(*row.size) : ""});
    }
    if (table.empty()) return "No snapshots yet.\n";
    const std::string name = printable(name_of(volume));
    std::string text = table.text(look);
    text += fmt::format("\nTo look into one, on its node, as root: flocker volume mount {} SNAPSHOT PATH\n", name);
    if (any_aside) text += fmt::format("To let go what was set aside: flocker volume snapshots rm {} SNAPSHOT\n", name);
    return text;
}

std::string snapshots_json(const VolumeEntry& volume) {
    codec::Encoder encoder;
    encoder.value(Snapshots{volume.dataset.value, snapshots_of(volume)});
    return encoder.take();
}

}  // namespace flocker::cli
