// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <limits>

#include "api/api.hpp"
#include "api/documents_json.hpp"
#include "codec/json.hpp"
#include "plan/view.hpp"

namespace flocker::api {
namespace {

using protocol::Control;

constexpr std::uint32_t events_max = 1000;
constexpr std::uint32_t events_default = 100;
/// Between two looks for new events; what a person takes for at once.
constexpr Duration look_interval = 250ms;
/// Looks for a snapshot that nobody lets go before it is held.
constexpr unsigned verify_attempts_max = 40;
constexpr std::uint32_t tail_default = 100;
constexpr std::uint32_t tail_max = 100'000;

Reply lines(std::function<Status(const ports::Sink&)> body) {
    return {{200, {{"Content-Type", "application/x-ndjson"}, {"Cache-Control", "no-store"}}, {}}, std::move(body)};
}

Status write(const ports::Sink& sink, std::string_view text) {
    return sink(std::as_bytes(std::span(text)));
}

Status write_events(const EventsDocument& document, std::uint64_t& last, const ports::Sink& sink) {
    for (const model::Event& event : document.events) {
        FLOCKER_CHECK_OK(write(sink, codec::encode(event) + "\n"));
        last = event.number;
    }
    return {};
}

}  // namespace

Result<EventsDocument> Api::events(std::uint64_t after, std::uint32_t limit) {
    return calls_.wait_for<EventsDocument>(
        [&store = services_.control.store(), after, limit](const Done<EventsDocument>& done) {
            store.events(after, limit, [done](Result<std::vector<model::Event>> events) {
                if (!events) return done(tl::unexpected(std::move(events).error()));
                done(EventsDocument{*std::move(events)});
            });
        },
        read_limit);
}

Result<EventsDocument> Api::latest_events(std::uint32_t count) {
    EventsDocument latest;
    for (std::uint64_t after = 0;;) {
        FLOCKER_TRY(const EventsDocument page, events(after, events_max));
        if (page.events.empty()) return latest;
        after = page.events.back().number;
        latest.events.insert(latest.events.end(), page.events.begin(), page.events.end());
        const auto surplus = latest.events.size() - std::min<std::size_t>(latest.events.size(), count);
        latest.events.erase(latest.events.begin(), latest.events.begin() + static_cast<std::ptrdiff_t>(surplus));
        if (page.events.size() < events_max) return latest;
    }
}

Status Api::follow_events(std::uint64_t after, const ports::Sink& sink) {
    // An event comes with a commit, so nothing is asked of the store while there is none.
    std::optional<model::Revision> seen;
    do {
        FLOCKER_CHECK_OK(write(sink, ""));
        FLOCKER_TRY(const auto revision,
                    read<model::Revision>([](const plan::View& view) { return view.records.revision; }));
        if (revision == seen) continue;
        FLOCKER_TRY(const EventsDocument fresh, events(after, events_max));
        FLOCKER_CHECK_OK(write_events(fresh, after, sink));
        if (fresh.events.size() < events_max) seen = revision;
    } while (calls_.rest(look_interval));
    return {};
}

Reply Api::get_events(const http::Request&, const Target& target) {
    const auto after = number(target, "after", 0, 0, std::numeric_limits<std::int64_t>::max());
    const auto limit = number(target, "limit", events_default, 1, events_max);
    const auto latest = number(target, "latest", 0, 0, events_max);
    const auto follow = truth(target, "follow");
    for (const auto* parameter : {&after, &limit, &latest}) {
        if (!*parameter) return {error_response(parameter->error()), {}};
    }
    if (!follow) return {error_response(follow.error()), {}};

    const auto first = target.parameters.contains("latest") ? latest_events(static_cast<std::uint32_t>(*latest))
                                                            : events(*after, static_cast<std::uint32_t>(*limit));
    if (!first) return {error_response(first.error()), {}};
    if (!*follow) return {json_response(200, to_json(*first)), {}};
    return lines([this, first = *first, last = *after](const ports::Sink& sink) -> Status {
        std::uint64_t after_last = last;
        FLOCKER_CHECK_OK(write_events(first, after_last, sink));
        return follow_events(after_last, sink);
    });
}

Reply Api::get_logs(const http::Request&, const Target& target) {
    const auto tail = number(target, "tail", tail_default, 0, tail_max);
    if (!tail) return {error_response(tail.error()), {}};
    const auto follow = truth(target, "follow");
    if (!follow) return {error_response(follow.error()), {}};
    const model::ApplicationName name{target.segments[2]};
    const auto node = read<model::Node>([name](const plan::View& view) -> Result<model::Node> {
        for (const auto& [subject, ownership] : view.records.ownerships) {
            if (ownership.application != name) continue;
            const auto found = view.records.nodes.find(ownership.owner);
            if (found != view.records.nodes.end()) return found->second;
        }
        return fail(ErrorCode::not_found, fmt::format("no application is called \"{}\"", name.value));
    });
    if (!node) return {error_response(node.error()), {}};
    Reply reply{{200, {{"Content-Type", "text/plain; charset=utf-8"}, {"Cache-Control", "no-store"}}, {}}, {}};
    reply.body = [this, node = *node, name, tail = static_cast<std::uint32_t>(*tail),
                  follow = *follow](const ports::Sink& sink) { return services_.logs(node, name, tail, follow, sink); };
    return reply;
}

Reply Api::get_verify(const http::Request&, const Target& target) {
    const auto dataset = volume_called(target.segments[2]);
    if (!dataset) return {error_response(dataset.error()), {}};
    std::optional<model::NodeReference> only;
    if (const auto said = target.parameters.find("replica"); said != target.parameters.end())
        only = model::NodeReference{said->second};
    return lines([this, dataset = *dataset, only](const ports::Sink& sink) { return verify(dataset, only, sink); });
}

Status Api::verify(const model::DatasetId& dataset, const std::optional<model::NodeReference>& only,
                   const ports::Sink& sink) {
    for (unsigned attempt = 1;; ++attempt) {
        FLOCKER_TRY(const auto what, read<plan::Comparison>([dataset, only](const plan::View& view) {
                        return plan::plan_comparison(view, dataset, only);
                    }));
        Verification verification(what, services_.digests);
        const Status held = verification.hold();
        if (held) {
            VerifyBegun begun{what.volume, dataset, what.owner.name, what.snapshot, {}};
            for (const model::Node& node : what.replicas) begun.replicas.push_back(node.name);
            return tell_verdicts(verification, begun, sink);
        }
        // Snapshots of a volume that is written live for a second or two: the reports are about the next ones soon.
        if (held.error().code != ErrorCode::not_found || attempt == verify_attempts_max) return held;
        FLOCKER_CHECK_OK(write(sink, ""));
        if (!calls_.rest(look_interval)) return fail(ErrorCode::unavailable, "the control service is stopping");
    }
}

Status Api::tell_verdicts(Verification& verification, const VerifyBegun& begun, const ports::Sink& sink) {
    const auto tell = [&](const VerifyLine& line) -> Status {
        if (!calls_.rest({})) return fail(ErrorCode::unavailable, "the control service is stopping");
        return write(sink, to_json(line) + "\n");
    };
    VerifyLine line;
    line.begun = begun;
    FLOCKER_CHECK_OK(tell(line));
    const auto verdicts = verification.run(tell);
    if (!verdicts) {
        line = {};
        line.error = verdicts.error();
        return tell(line);
    }
    for (const VerifyVerdict& verdict : *verdicts) {
        if (!verdict.equal.value_or(true)) {
            const std::string at = verdict.first_difference.empty() ? "" : ", first at " + verdict.first_difference;
            static_cast<void>(ask(Control::Note{
                model::EventKind::replica_differs, begun.volume,
                fmt::format("the replica on {} differs from {} at {}{}", verdict.replica, begun.owner,
                            to_text(begun.snapshot), at)}));
        }
        line = {};
        line.verdict = verdict;
        FLOCKER_CHECK_OK(tell(line));
    }
    return {};
}

}  // namespace flocker::api
