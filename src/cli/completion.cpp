// SPDX-License-Identifier: Apache-2.0
#include "cli/completion.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "cli/session.hpp"
#include "codec/json_text.hpp"

namespace flocker::cli {
namespace {

using usage::Candidate;

/// A person waits with a finger on a key.
constexpr Duration patience = 900ms;

constexpr const char* bash_script = R"script(# Completion of flocker and flocker-deploy for bash:
#   eval "$(flocker completion bash)"
#   flocker completion bash > /etc/bash_completion.d/flocker

_flocker_complete() {
    local program=$1 begun=$2 line words=()
    shift 2
    COMPREPLY=()
    while IFS= read -r line; do
        case $line in
            :files) compopt -o default 2>/dev/null ;;
            :folders) compopt -o dirnames 2>/dev/null ;;
            *) words+=("${line%%$'\t'*}") ;;
        esac
    done < <("$program" __complete "$@" 2>/dev/null)
    ((${#words[@]})) && COMPREPLY=($(compgen -W "${words[*]}" -- "$begun"))
    return 0
}
_flocker() { _flocker_complete "$1" "$2" "${COMP_WORDS[@]:1:COMP_CWORD}"; }
_flocker_deploy() { _flocker_complete "${1%-deploy}" "$2" deploy "${COMP_WORDS[@]:1:COMP_CWORD}"; }
complete -F _flocker flocker
complete -F _flocker_deploy flocker-deploy
)script";

constexpr const char* zsh_script = R"script(#compdef flocker flocker-deploy
# Completion of flocker and flocker-deploy for zsh:
#   eval "$(flocker completion zsh)"
#   flocker completion zsh > "${fpath[1]}/_flocker"

_flocker() {
    local line program=${words[1]%-deploy}
    local -a found before
    local files='' folders=''
    [[ $program == $words[1] ]] || before=(deploy)
    while IFS= read -r line; do
        case $line in
            :files) files=1 ;;
            :folders) folders=1 ;;
            *) found+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}") ;;
        esac
    done < <("$program" __complete "${before[@]}" "${(@)words[2,CURRENT]}" 2>/dev/null)
    (( $#found )) && _describe flocker found
    [[ -n $files ]] && _files
    [[ -n $folders ]] && _files -/
    return 0
}
if [[ $funcstack[1] == _flocker ]]; then
    _flocker "$@"
else
    compdef _flocker flocker flocker-deploy
fi
)script";

/// What is said of the words so far beside their places.
std::optional<std::string> context_in(const std::vector<std::string>& words) {
    constexpr std::string_view option = "--context";
    for (std::size_t i = 0; i + 1 < words.size(); ++i) {
        if (words[i] == option && i + 2 < words.size()) return words[i + 1];
        if (words[i].starts_with(std::string(option) + "=")) return words[i].substr(option.size() + 1);
    }
    return std::nullopt;
}

std::vector<Candidate> snapshots_of(const api::Client& client, const std::string& volume) {
    std::vector<Candidate> found;
    const auto entry = client.volume(volume);
    if (!entry) return found;
    for (const api::CopyEntry& copy : entry->copies) {
        for (const auto& snapshot : copy.snapshots) found.push_back({to_text(snapshot.id), "on " + copy.node});
        for (const auto& aside : copy.set_aside) found.push_back({to_text(aside.id), "set aside on " + copy.node});
    }
    return found;
}

std::vector<Candidate> names_in(const api::StatusDocument& status, const std::string& kind) {
    std::vector<Candidate> found;
    if (kind == "APPLICATION") {
        for (const auto& each : status.applications) found.push_back({each.name, each.image + " on " + each.owner_node});
    } else if (kind == "NODE") {
        for (const auto& each : status.nodes) found.push_back({each.name, each.address});
    } else if (kind == "VOLUME") {
        for (const auto& each : status.volumes) {
            found.push_back({each.application.value_or(each.dataset.value),
                             each.application ? "on " + each.owner_node : "detached, on " + each.owner_node});
        }
    }
    return found;
}

class Names {
public:
    Names(const Session& session, const usage::Wanted& wanted) : session_(session), wanted_(wanted) {}

    std::vector<Candidate> of(const std::string& kind) {
        std::vector<Candidate> found;
        if (kind == "CONTEXT") {
            for (const auto& each : session_.contexts().list()) found.push_back({each.name, each.path});
        } else if (kind == "SHELL") {
            found = {{"bash", ""}, {"zsh", ""}};
        } else if (kind == "TOKEN" && client()) {
            const auto tokens = client()->tokens();
            if (!tokens) return {};
            for (const auto& each : tokens->tokens) found.push_back({each.id, each.used_by});
        } else if (kind == "SNAPSHOT" && client()) {
            const auto volume = wanted_.given.find("VOLUME");
            if (volume != wanted_.given.end()) found = snapshots_of(*client(), volume->second);
        } else if ((kind == "APPLICATION" || kind == "NODE" || kind == "VOLUME") && client()) {
            if (!status_) status_ = client()->status();
            if (*status_) found = names_in(**status_, kind);
        }
        return found;
    }

private:
    const api::Client* client() {
        if (!client_) client_ = session_.connect();
        return *client_ ? &**client_ : nullptr;
    }

    const Session& session_;
    const usage::Wanted& wanted_;
    std::optional<Result<api::Client>> client_;
    std::optional<Result<api::StatusDocument>> status_;
};

void print(std::ostream& out, const std::vector<Candidate>& candidates) {
    std::set<std::string> said;
    for (const Candidate& each : candidates) {
        if (!said.insert(each.word).second) continue;
        std::string help = each.help.substr(0, each.help.find('\n'));
        std::ranges::replace(help, '\t', ' ');
        out << each.word << "\t" << help << "\n";
    }
    out << std::flush;
}

}  // namespace

int complete(const World& world, const usage::CommandShape& program, const std::vector<std::string>& words) {
    const usage::Wanted wanted = usage::wanted_at_end(program, words);
    print(world.out, wanted.words);
    const auto has = [&](const char* kind) { return std::ranges::find(wanted.kinds, kind) != wanted.kinds.end(); };
    if (has("FILE")) world.out << ":files\n" << std::flush;
    if (has("FOLDER")) world.out << ":folders\n" << std::flush;
    if (wanted.kinds.empty()) return exit_code::done;
    if (world.end_within) world.end_within(patience);
    const Session session(world, {context_in(words), false, false});
    Names names(session, wanted);
    for (const std::string& kind : wanted.kinds) print(world.out, names.of(kind));
    return exit_code::done;
}

int print_completion(const Session& session, const std::string& shell) {
    if (shell != "bash" && shell != "zsh")
        return session.fail_with({ErrorCode::invalid_argument, "no completion is known for \"" + shell + "\": bash or zsh"});
    session.out() << (shell == "bash" ? bash_script : zsh_script) << std::flush;
    return exit_code::done;
}

std::string to_json(const usage::CommandShape& shape) {
    std::string out;
    const auto text = [&](const char* key, const std::string& value) {
        out += fmt::format("\"{}\":", key);
        codec::append_json_string(out, value);
        out += ",";
    };
    out += "{";
    text("name", shape.name);
    text("help", shape.help);
    text("example", shape.example);
    out += "\"options\":[";
    for (const usage::OptionShape& option : shape.options) {
        out += &option == &shape.options.front() ? "{" : ",{";
        text("names", fmt::format("{}", fmt::join(option.names, ", ")));
        text("place", option.place);
        text("type", option.type);
        text("help", option.help);
        text("fallback", option.fallback);
        out += fmt::format("\"required\":{},\"many\":{}}}", option.required, option.many);
    }
    out += "],\"subcommands\":[";
    for (const usage::CommandShape& sub : shape.subcommands) {
        out += &sub == &shape.subcommands.front() ? "" : ",";
        out += to_json(sub);
    }
    return out + "]}";
}

}  // namespace flocker::cli
