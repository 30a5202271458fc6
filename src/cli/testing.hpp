// SPDX-License-Identifier: Apache-2.0
//
// For this room's tests: documents as a control service would give them, and a world to run commands in.
#pragma once

#include <unistd.h>

#include <deque>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "api/documents_json.hpp"
#include "api/reply.hpp"
#include "cli/run.hpp"

namespace flocker::cli::testing {

using std::chrono_literals::operator""us;

inline constexpr Instant clock_start{1'760'000'000'000'000'000};

inline api::NodeEntry node(const std::string& name) {
    api::NodeEntry node;
    node.id = model::NodeId{"id-of-" + name};
    node.name = name;
    node.address = "10.0.0." + std::to_string(name.front() - 'a' + 1);
    node.alive = true;
    node.heard_ago = 200ms;
    node.pool_size = {20ULL << 30U};
    node.pool_free = {15ULL << 30U};
    return node;
}

inline api::ContainerEntry container(Instant started,
                                     model::ContainerSeen::Status status = model::ContainerSeen::Status::running,
                                     int exit_code = 0) {
    api::ContainerEntry container;
    container.id = "c" + std::to_string((started - clock_start).count());
    container.status = status;
    container.ready = status == model::ContainerSeen::Status::running;
    container.exit_code = exit_code;
    container.started = started;
    if (exit_code != 0) container.finished = started + 1s;
    return container;
}

/// Running and settled.
inline api::ApplicationEntry application(const std::string& name, const std::string& on) {
    api::ApplicationEntry application;
    application.name = name;
    application.image = name + ":1";
    application.place = on;
    application.wanted_node = on;
    application.owner_node = on;
    application.state = api::ApplicationState::running;
    application.settled = true;
    application.ports = {{5432, 15432}};
    application.container = container(clock_start);
    return application;
}

inline api::MoveEntry move(model::MovePhase phase, const std::string& source, const std::string& target) {
    api::MoveEntry move;
    move.id = model::MoveId{7};
    move.phase = phase;
    move.source = source;
    move.target = target;
    move.started = clock_start;
    move.measured = clock_start;
    if (phase != model::MovePhase::staging) move.sealing_started = clock_start;
    return move;
}

inline api::ApplicationEntry moving(const std::string& name, api::MoveEntry move) {
    api::ApplicationEntry entry = application(name, move.source);
    entry.wanted_node = move.target;
    if (move.phase == model::MovePhase::settling) entry.owner_node = move.target;
    entry.state = api::ApplicationState::moving;
    entry.settled = false;
    entry.move = std::move(move);
    return entry;
}

inline api::MoveResultEntry moved(const std::string& source, const std::string& target) {
    api::MoveResultEntry result;
    result.id = model::MoveId{7};
    result.source = source;
    result.target = target;
    result.started = clock_start;
    result.ended = clock_start + 42s;
    result.succeeded = true;
    result.downtime = 412ms;
    result.bytes_live = {2ULL << 30U};
    result.bytes_cutover = {1'300'000};
    result.predicted = 440ms;
    result.steps = {{"hook", 1s},     {"hold", 3140us}, {"stop", 120ms},  {"seal", 8ms},  {"increment", 18ms},
                    {"copy", 9960us}, {"start", 11ms},  {"ready", 230ms}, {"open", 400us}};
    return result;
}

inline api::StatusDocument cluster(std::vector<api::ApplicationEntry> applications, std::uint64_t revision = 10) {
    api::StatusDocument status;
    status.version = "1";
    status.revision = model::Revision{revision};
    status.now = clock_start;
    status.control_started = clock_start - 3600s;
    status.nodes = {node("alder"), node("birch")};
    status.applications = std::move(applications);
    return status;
}

inline api::StepEntry step(api::StepKind kind, const std::string& application, const std::string& on,
                           std::optional<std::string> from = {}) {
    return {kind, application, on, std::move(from), {}, ""};
}
inline api::PredictionEntry prediction() {
    return {640ms, 300ms, 20ms, 30ms, 250ms, 40ms, 3, false};
}
inline api::PlanDocument plan(std::vector<api::StepEntry> steps, std::uint64_t revision = 10) {
    return {std::move(steps), {}, true, model::Revision{revision}};
}

/// A folder that is gone with it.
class Folder {
public:
    Folder() {
        std::string pattern = (std::filesystem::temp_directory_path() / "flkt-cli-XXXXXX").string();
        path_ = ::mkdtemp(pattern.data());
    }
    ~Folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;

    [[nodiscard]] std::string path(const std::string& name) const { return path_ + "/" + name; }
    std::string write(const std::string& name, const std::string& text) const {
        std::filesystem::create_directories(std::filesystem::path(path(name)).parent_path());
        std::ofstream(path(name)) << text;
        return path(name);
    }

private:
    std::string path_;
};

/// Runs commands against a control service that answers as it was told to.
class TestWorld {
public:
    TestWorld() {
        folder.write(
            "context.json",
            R"({"control":"10.0.0.1:4523","ca":"-----BEGIN A","certificate":"-----BEGIN C","key":"-----BEGIN K"})");
    }

    int run(std::vector<std::string> arguments, const std::string& typed = "") {
        arguments.insert(arguments.begin(), program);
        out.str("");
        err.str("");
        in.clear();
        in.str(typed);
        return cli::run(arguments, world);
    }

    /// What is answered to requests of this method and target; the last one goes on being given.
    std::deque<http::Response>& answers(const std::string& method, const std::string& target) {
        return answers_[method + " " + target];
    }
    template <class Document>
    void answer(const std::string& method, const std::string& target, const Document& document, unsigned status = 200) {
        answers(method, target).push_back(api::json_response(status, api::to_json(document)));
    }

    std::string program{"flocker"};
    Folder folder;
    std::istringstream in;
    std::ostringstream out;
    std::ostringstream err;
    std::map<std::string, std::string> environment;
    std::vector<http::Request> asked;
    std::vector<Access> connected;
    std::vector<std::string> farewells;
    Instant now{clock_start};
    World world{in,
                out,
                err,
                false,
                false,
                0,
                [this](const std::string& name) -> std::optional<std::string> {
                    const auto found = environment.find(name);
                    return found == environment.end() ? std::nullopt : std::optional(found->second);
                },
                [this](const Access& access) -> Result<api::Transport> {
                    connected.push_back(access);
                    return [this](const api::Call& call) { return serve(call); };
                },
                [this] { return now; },
                [this](Duration duration) { now = now + duration; },
                [this](const std::string& farewell) { farewells.push_back(farewell); },
                {},
                folder.path("context.json")};

private:
    Result<http::Response> serve(const api::Call& call) {
        asked.push_back(call.request);
        auto& queue = answers_[call.request.method + " " + call.request.target];
        if (queue.empty())
            return fail(ErrorCode::unavailable, "nobody answers " + call.request.method + " " + call.request.target);
        http::Response response = queue.front();
        if (queue.size() > 1) queue.pop_front();
        if (call.sink && response.status == 200) {
            FLOCKER_CHECK_OK(call.sink(std::as_bytes(std::span(std::string_view(response.body)))));
            response.body.clear();
        }
        return response;
    }

    std::map<std::string, std::deque<http::Response>> answers_;
};

}  // namespace flocker::cli::testing
