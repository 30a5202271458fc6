// SPDX-License-Identifier: Apache-2.0
#include "cli/session.hpp"

#include "cli/text.hpp"

namespace flocker::cli {

Look Session::look() const {
    const auto no_colour = world_.environment("NO_COLOR");
    const bool colour = world_.out_is_terminal && (!no_colour || no_colour->empty());
    return {options_.no_trunc || !world_.out_is_terminal ? 0 : world_.width, colour};
}

Contexts Session::contexts() const {
    std::string folder;
    if (const auto config = world_.environment("XDG_CONFIG_HOME"); config && !config->empty()) {
        folder = *config + "/flocker";
    } else if (const auto home = world_.environment("HOME"); home && !home->empty()) {
        folder = *home + "/.config/flocker";
    }
    return {world_.system_context, folder};
}

Result<ContextEntry> Session::context() const {
    auto wished = options_.context;
    if (!wished) wished = world_.environment("FLOCKER_CONTEXT");
    if (wished && wished->empty()) wished.reset();
    return contexts().find(wished);
}

Result<api::Client> Session::connect() const {
    FLOCKER_TRY(const ContextEntry entry, context());
    FLOCKER_TRY(const Access access, load_context(entry.path));
    FLOCKER_TRY(api::Transport transport, world_.connect(access));
    return api::Client(std::move(transport));
}

int Session::fail_with(const Error& error) const {
    err() << "flocker: " << error.message << std::endl;
    return error.code == ErrorCode::invalid_argument ? exit_code::refused : exit_code::failed;
}

std::optional<std::string> Session::ask(const std::string& question) const {
    out() << question << std::flush;
    std::string line;
    if (!std::getline(world_.in, line)) {
        out() << std::endl;
        return std::nullopt;
    }
    return line;
}

bool Session::agrees(const std::string& question) const {
    const auto answer = ask(question + " [y/N] ");
    return answer == "y" || answer == "Y" || answer == "yes";
}

}  // namespace flocker::cli
