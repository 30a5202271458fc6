// SPDX-License-Identifier: Apache-2.0
#include "adapters/peer/digest_lines.hpp"

#include <boost/json.hpp>

namespace flocker::peer {
namespace {

namespace json = boost::json;

constexpr std::size_t path_max = 4096;
constexpr std::size_t line_max = 2 * path_max + 1024;

json::object object_of(const ports::DigestProgress& progress) {
    return {{"entries", progress.entries},
            {"bytes", progress.bytes.value},
            {"entries_expected", progress.entries_expected},
            {"bytes_expected", progress.bytes_expected.value}};
}
json::object object_of(const ports::DigestMark& mark) {
    return {{"entry", mark.entry}, {"path", mark.path.substr(0, path_max)}, {"digest", mark.digest}};
}
json::object object_of(const ports::TreeDigest& digest) {
    return {{"digest", digest.digest}, {"entries", digest.entries}, {"bytes", digest.bytes.value}};
}

/// Throws what Boost.JSON throws when something is missing or wrong.
DigestLine line_of(const json::object& object) {
    const auto number = [&](json::string_view name) { return object.at(name).to_number<std::uint64_t>(); };
    const auto text = [&](json::string_view name) {
        const auto& found = object.at(name).as_string();
        return std::string(found.data(), found.size());
    };
    if (object.contains("path")) return ports::DigestMark{number("entry"), text("path"), text("digest")};
    if (object.contains("digest")) return ports::TreeDigest{text("digest"), number("entries"), Bytes{number("bytes")}};
    return ports::DigestProgress{number("entries"), Bytes{number("bytes")}, number("entries_expected"),
                                 Bytes{number("bytes_expected")}};
}

}  // namespace

std::string encode(const DigestLine& line) {
    return json::serialize(std::visit([](const auto& one) { return object_of(one); }, line)) + "\n";
}

Result<DigestLine> decode_digest_line(std::string_view line) {
    try {
        return line_of(json::parse({line.data(), line.size()}).as_object());
    } catch (const std::exception&) {
        return fail(ErrorCode::corrupt, "received a line of a digest that is none");
    }
}

Status DigestLines::take(std::span<const std::byte> bytes, const std::function<Status(const DigestLine&)>& each) {
    pending_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    std::size_t begin = 0;
    for (auto end = pending_.find('\n'); end != std::string::npos; end = pending_.find('\n', begin)) {
        FLOCKER_TRY(const DigestLine line, decode_digest_line(std::string_view(pending_).substr(begin, end - begin)));
        FLOCKER_CHECK_OK(each(line));
        begin = end + 1;
    }
    pending_.erase(0, begin);
    if (pending_.size() > line_max) return fail(ErrorCode::corrupt, "received a line of a digest without an end");
    return {};
}

}  // namespace flocker::peer
