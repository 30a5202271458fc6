// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "ports/byte_stream.hpp"

namespace flocker::docker {

class Api;

/// Images as `docker save` writes them, and the output of our containers. With `follow`, logs() ends
/// when the container ends as well as when the sink fails.
///
/// Threads: any, but the loop's.
class DockerStreams final : public ports::EngineStreams {
public:
    explicit DockerStreams(std::string socket_path);
    /// What is under way must have ended; see close().
    ~DockerStreams() override;
    DockerStreams(const DockerStreams&) = delete;
    DockerStreams& operator=(const DockerStreams&) = delete;

    [[nodiscard]] Result<bool> has_image(const std::string& image) override;
    [[nodiscard]] Status export_image(const std::string& image, const ports::Sink& sink) override;
    [[nodiscard]] Status import_image(const ports::Source& source) override;
    [[nodiscard]] Status logs(const model::ApplicationName& application, std::uint32_t tail_lines, bool follow,
                              const ports::Sink& sink) override;

    /// From any thread: ends what is under way, and refuses what follows.
    void close();

private:
    std::unique_ptr<Api> api_;
};

}  // namespace flocker::docker
