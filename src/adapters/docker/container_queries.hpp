// SPDX-License-Identifier: Apache-2.0
//
// What is asked about one container. Blocking; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "adapters/docker/api.hpp"
#include "adapters/docker/first_process.hpp"
#include "adapters/docker/messages.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

namespace flocker::docker {

/// Ours under this application's name. Errors: not_found; conflict (a stranger has the name).
[[nodiscard]] Result<Inspected> inspect_ours(Api& api, const model::ApplicationName& application);

/// Waits for the container to end, and for the engine to have noticed: as it is then, or as it is
/// after `limit`.
[[nodiscard]] Result<Inspected> await_exit(Api& api, const model::ApplicationName& application, Duration limit);

/// No process of it is left.
[[nodiscard]] inline bool has_ended(const Inspected& container) {
    return !container.running && container.pid == 0;
}

/// The grace period of one that does not heed its stop signal; nullopt: it does, or that can't be told.
[[nodiscard]] std::optional<Duration> killed_after(const Inspected& container, const FirstProcess& process);

/// From the end of its last process until the engine says so.
constexpr Duration noticing_limit = 10s;

/// "exit code 3: its last words", for a message; `when` comes before the colon.
[[nodiscard]] std::string how_it_ended(Api& api, const Inspected& container, const std::string& when = "");
/// Why nothing is done about a container that runs.
[[nodiscard]] std::string unseen_process(const Inspected& container);

/// Its output: `tail_lines` lines from the end, and if `follow`, what comes until it ends.
[[nodiscard]] Status read_logs(Api& api, const Inspected& container, std::uint32_t tail_lines, bool follow,
                               const ports::Sink& sink);

/// The last lines of its output in one line, for a message; short.
[[nodiscard]] std::string last_words(Api& api, const Inspected& container);

}  // namespace flocker::docker
