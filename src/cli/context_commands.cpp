// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <filesystem>

#include "cli/commands.hpp"
#include "cli/text.hpp"
#include "codec/json_text.hpp"

namespace flocker::cli {
namespace {

std::string quoted(const std::string& text) {
    std::string out;
    codec::append_json_string(out, text);
    return out;
}

}  // namespace

int list_contexts(const Session& session) {
    Table table({"", "CONTEXT", "CONTROL SERVICE", "FILE"});
    std::string json;
    for (const auto& [name, path, in_use] : session.contexts().list()) {
        const auto access = load_context(path);
        const std::string control = access ? fmt::format("{}:{}", access->address, access->port) : "";
        table.add({in_use ? "*" : "", name, access ? Cell{control} : Cell{"can't be read", Tone::bad}, path});
        json += fmt::format(R"({}{{"name":{},"file":{},"control":{},"in_use":{}}})", json.empty() ? "" : ",",
                            quoted(name), quoted(path), quoted(control), in_use);
    }
    if (session.json()) {
        session.out() << "{\"contexts\":[" << json << "]}" << std::endl;
    } else if (table.empty()) {
        session.out() << "No contexts; `flocker init`, `flocker join` and `flocker context import FILE` make one."
                      << std::endl;
    } else {
        session.out() << table.text(session.look()) << std::flush;
    }
    return exit_code::done;
}

int use_context(const Session& session, const std::string& name) {
    if (const Status done = session.contexts().use(name); !done) return session.fail_with(done.error());
    session.out() << (session.json() ? fmt::format("{{\"in_use\":{}}}", quoted(name))
                                     : fmt::format("Context {} is in use.", name))
                  << std::endl;
    return exit_code::done;
}

int show_context(const Session& session, bool bundle) {
    const auto entry = session.context();
    if (!entry) return session.fail_with(entry.error());
    const auto access = load_context(entry->path);
    if (!access) return session.fail_with(access.error());
    if (bundle) {
        session.out() << to_json(*access) << std::flush;
    } else if (session.json()) {
        session.out() << fmt::format(R"({{"name":{},"file":{},"control":{}}})", quoted(entry->name),
                                     quoted(entry->path), quoted(fmt::format("{}:{}", access->address, access->port)))
                      << std::endl;
    } else {
        session.out() << fmt::format("Context          {}\nFile             {}\nControl service  {}:{}", entry->name,
                                     entry->path, access->address, access->port)
                      << std::endl;
    }
    return exit_code::done;
}

int import_context(const Session& session, const std::string& file, const std::string& name) {
    const auto access = load_context(file);
    if (!access) return session.fail_with(access.error());
    const std::string as = name.empty() ? std::filesystem::path(file).stem().string() : name;
    if (const Status done = session.contexts().add(as, *access); !done) return session.fail_with(done.error());
    session.out() << (session.json()
                          ? fmt::format("{{\"imported\":{}}}", quoted(as))
                          : fmt::format("Imported as {0}; `flocker context use {0}` makes it the one in use.", as))
                  << std::endl;
    return exit_code::done;
}

}  // namespace flocker::cli
