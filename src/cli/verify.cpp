// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "api/documents_json.hpp"
#include "cli/commands.hpp"
#include "cli/live_text.hpp"
#include "cli/text.hpp"

namespace flocker::cli {
namespace {

/// "  alder  43 %  1.2 GiB of 2.8 GiB, 812 of 900 entries"
std::string progress_text(const api::VerifyProgress& progress, std::size_t width) {
    const std::string name = padded(printable(progress.node), width);
    if (progress.done) return fmt::format("  {}  done, {}", name, to_text(progress.bytes));
    if (progress.entries_expected == 0) return fmt::format("  {}  begins", name);
    // By bytes, and by entries where there is little in them.
    const double of_bytes = static_cast<double>(progress.bytes.value) /
                            static_cast<double>(std::max<std::uint64_t>(progress.bytes_expected.value, 1));
    const double of_entries = static_cast<double>(progress.entries) / static_cast<double>(progress.entries_expected);
    const bool many_small = progress.bytes_expected.value / progress.entries_expected < 4096;
    return fmt::format("  {}  {:3} %  {} of {}, {} of {} entries", name,
                       static_cast<int>(std::min((many_small ? of_entries : of_bytes) * 100, 99.0)),
                       to_text(progress.bytes), to_text(progress.bytes_expected), progress.entries,
                       progress.entries_expected);
}

class Verifying {
public:
    explicit Verifying(const Session& session) : session_(session), live_(session.out()) {}

    Status see(const api::VerifyLine& line) {
        if (line.error) return tl::unexpected(*line.error);
        if (line.begun) {
            document_.volume = line.begun->volume;
            document_.dataset = line.begun->dataset;
            document_.owner = line.begun->owner;
            document_.snapshot = line.begun->snapshot;
        }
        if (line.verdict) document_.replicas.push_back(*line.verdict);
        if (line.progress) {
            progress_[line.progress->node] = *line.progress;
            draw();
        }
        return {};
    }
    void end() {
        if (is_live()) live_.clear();
    }
    [[nodiscard]] const api::VerifyDocument& document() const { return document_; }

private:
    [[nodiscard]] bool is_live() const { return session_.world().out_is_terminal && !session_.json(); }
    void draw() {
        if (!is_live()) return;
        std::size_t width = 0;
        for (const auto& [node, each] : progress_) width = std::max(width, columns(node));
        std::vector<std::string> lines{
            fmt::format("{} at {}:", printable(document_.volume), to_text(document_.snapshot))};
        for (const auto& [node, each] : progress_) lines.push_back(progress_text(each, width));
        for (std::string& line : lines) line = cut(line, std::max(session_.world().width, 2U) - 1);
        live_.show(lines);
    }

    const Session& session_;
    LiveText live_;
    std::map<std::string, api::VerifyProgress> progress_;
    api::VerifyDocument document_;
};

std::string verdicts_text(const api::VerifyDocument& document, const Look& look) {
    std::string text = fmt::format("{} at {}, compared with its owner {}:\n\n", printable(document.volume),
                                   to_text(document.snapshot), document.owner);
    Table table({"REPLICA", "VERDICT", "DIGEST", ""});
    for (const api::VerifyVerdict& verdict : document.replicas) {
        const std::string digest = verdict.digest.substr(0, 16);
        if (!verdict.equal) {
            table.add({verdict.replica, {"not compared", Tone::busy}, "", printable(verdict.reason)});
        } else if (*verdict.equal) {
            table.add({verdict.replica,
                       {"equal", Tone::good},
                       digest,
                       fmt::format("{} in {} entries", to_text(verdict.bytes), verdict.entries)});
        } else {
            const std::string at = printable(verdict.first_difference);
            table.add({verdict.replica, {"differs", Tone::bad}, digest, at.empty() ? "" : "first at " + at});
        }
    }
    return text + table.text(look);
}

/// Whatever is not equal, said on stderr; the exit code.
int say_what_is_not_equal(const Session& session, const api::VerifyDocument& document) {
    int code = exit_code::done;
    for (const api::VerifyVerdict& verdict : document.replicas) {
        if (verdict.equal.value_or(false)) continue;
        code = exit_code::failed;
        if (!verdict.equal) {
            session.err() << fmt::format("flocker: the replica on {} was not compared: {}", verdict.replica,
                                         printable(verdict.reason))
                          << std::endl;
            continue;
        }
        const std::string at = printable(verdict.first_difference);
        session.err() << fmt::format("flocker: the replica of {} on {} differs from its owner {} at {}{}",
                                     printable(document.volume), verdict.replica, document.owner,
                                     to_text(document.snapshot), at.empty() ? "" : ", first at " + at)
                      << std::endl;
    }
    return code;
}

}  // namespace

int verify_volume(const Session& session, const VerifyOptions& options) {
    const auto client = session.connect();
    if (!client) return session.fail_with(client.error());
    Verifying verifying(session);
    const Status done = client->verify(options.volume, options.replica,
                                       [&](const api::VerifyLine& line) { return verifying.see(line); });
    verifying.end();
    if (!done) return session.fail_with(done.error());
    const api::VerifyDocument& document = verifying.document();
    if (document.replicas.empty())
        return session.fail_with({ErrorCode::corrupt, "the control service ended before it had compared anything"});
    session.out() << (session.json() ? api::to_json(document) + "\n" : verdicts_text(document, session.look()))
                  << std::flush;
    return say_what_is_not_equal(session, document);
}

}  // namespace flocker::cli
