// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "api/api.hpp"
#include "api/documents_json.hpp"
#include "api/settings.hpp"
#include "api/status.hpp"
#include "api/version.hpp"
#include "plan/why.hpp"

namespace flocker::api {
namespace {

template <class Document>
Reply reply_of(const Result<Document>& document) {
    if (!document) return {error_response(document.error()), {}};
    return {json_response(200, to_json(*document)), {}};
}

/// What has moves, or may have.
bool is_subject(const model::Records& records, const std::string& name) {
    return records.configuration.contains(model::ApplicationName{name}) ||
           std::ranges::any_of(records.ownerships,
                               [&](const auto& entry) { return plan::subject_name(entry.second) == name; });
}

}  // namespace

Reply Api::get_version(const http::Request&, const Target&) {
    return reply_of(Result<VersionDocument>(VersionDocument{version(), "v1"}));
}

Reply Api::get_status(const http::Request&, const Target&) {
    return reply_of(read<StatusDocument>([](const plan::View& view) { return status_of(view); }));
}

Reply Api::get_nodes(const http::Request&, const Target&) {
    return reply_of(read<NodesDocument>([](const plan::View& view) { return nodes_of(view); }));
}

Reply Api::get_moves(const http::Request&, const Target& target) {
    std::optional<std::string> application;
    if (const auto said = target.parameters.find("application"); said != target.parameters.end()) {
        application = said->second;
    }
    return reply_of(read<MovesDocument>([application](const plan::View& view) -> Result<MovesDocument> {
        if (application && !is_subject(view.records, *application)) {
            return fail(ErrorCode::not_found, fmt::format("no application is called \"{}\"", *application));
        }
        return moves_of(view, application);
    }));
}

Reply Api::get_volumes(const http::Request&, const Target&) {
    return reply_of(read<VolumesDocument>([](const plan::View& view) { return volumes_of(view); }));
}

Reply Api::get_volume(const http::Request&, const Target& target) {
    const auto& name = target.segments.back();
    return reply_of(read<VolumeEntry>([name](const plan::View& view) -> Result<VolumeEntry> {
        const auto volumes = volumes_of(view).volumes;
        const auto found = std::ranges::find_if(volumes, [&](const VolumeEntry& volume) {
            return volume.dataset.value == name || volume.application == name;
        });
        if (found == volumes.end()) return fail(ErrorCode::not_found, fmt::format("no volume is called \"{}\"", name));
        return *found;
    }));
}

Reply Api::get_why(const http::Request&, const Target& target) {
    const auto& name = target.segments.back();
    return reply_of(read<WhyDocument>([name](const plan::View& view) -> Result<WhyDocument> {
        if (!plan::exists(view.records, name)) {
            return fail(ErrorCode::not_found, fmt::format("no application, node or volume is called \"{}\"", name));
        }
        return WhyDocument{name, reasons_of(view, name)};
    }));
}

Reply Api::get_settings(const http::Request&, const Target&) {
    return reply_of(read<model::ClusterSettings>([](const plan::View& view) { return settings_of(view); }));
}

Reply Api::get_tokens(const http::Request&, const Target&) {
    const auto tokens = services_.enrollment.tokens();
    if (!tokens) return {error_response(tokens.error()), {}};
    TokensDocument document;
    for (const auto& [id, created, expires, used_by, revoked] : *tokens) {
        document.tokens.push_back({id, created, expires, used_by, revoked});
    }
    return reply_of(Result<TokensDocument>(std::move(document)));
}

}  // namespace flocker::api
