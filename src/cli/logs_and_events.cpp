// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <string_view>

#include "api/documents_json.hpp"
#include "cli/commands.hpp"
#include "cli/text.hpp"
#include "codec/json.hpp"
#include "codec/json_text.hpp"

namespace flocker::cli {
namespace {

/// Calls `each` with every whole line that comes by.
class Lines {
public:
    explicit Lines(std::function<void(std::string_view)> each) : each_(std::move(each)) {}

    [[nodiscard]] ports::Sink sink(std::ostream& out) {
        return [this, &out](std::span<const std::byte> bytes) -> Status {
            pending_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
            for (auto end = pending_.find('\n'); end != std::string::npos; end = pending_.find('\n')) {
                each_(std::string_view(pending_).substr(0, end));
                pending_.erase(0, end + 1);
            }
            out.flush();
            if (!out) return fail(ErrorCode::unavailable, "nobody reads the output any more");
            return {};
        };
    }
    /// The last line, if it has no end.
    void finish() {
        if (!pending_.empty()) each_(pending_);
        pending_.clear();
    }

private:
    std::function<void(std::string_view)> each_;
    std::string pending_;
};

std::string event_text(const model::Event& event) {
    return printable(
        fmt::format("{}  {:<18}  {}  {}", to_utc_text(event.at), to_string(event.kind), event.subject, event.text));
}

}  // namespace

int logs(const Session& session, const LogsOptions& options) {
    const auto client = session.connect();
    if (!client) return session.fail_with(client.error());
    std::ostream& out = session.out();
    Lines lines([&](std::string_view line) {
        if (!session.json()) {
            out << line << "\n";
            return;
        }
        std::string quoted;
        codec::append_json_string(quoted, line);
        out << "{\"line\":" << quoted << "}\n";
    });
    const Status done = client->logs(options.application, options.tail, options.follow, lines.sink(out));
    lines.finish();
    out.flush();
    return done ? exit_code::done : session.fail_with(done.error());
}

int events(const Session& session, std::uint32_t latest, bool follow) {
    const auto client = session.connect();
    if (!client) return session.fail_with(client.error());
    std::ostream& out = session.out();
    if (!follow) {
        const auto document = client->latest_events(latest);
        if (!document) return session.fail_with(document.error());
        if (session.json()) {
            out << api::to_json(*document) << std::endl;
            return exit_code::done;
        }
        for (const model::Event& event : document->events) out << event_text(event) << "\n";
        out.flush();
        return exit_code::done;
    }
    Lines lines([&](std::string_view line) {
        const auto event = codec::decode<model::Event>(line);
        if (session.json() || !event) {
            out << line << "\n";
        } else {
            out << event_text(*event) << "\n";
        }
    });
    const Status done = client->follow_events(latest, lines.sink(out));
    return done ? exit_code::done : session.fail_with(done.error());
}

}  // namespace flocker::cli
