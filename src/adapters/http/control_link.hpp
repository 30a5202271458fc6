// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "adapters/http/client.hpp"
#include "adapters/posix/stream.hpp"
#include "ports/control_link.hpp"
#include "ports/loop.hpp"

namespace flocker::http {

/// The agent's end of what agents and control service say to each other; see HttpAgentSessions for
/// the requests. One connection for the watch, one for the reports, a thread for each.
///
/// report(): one is under way at a time. One more waits for it; if yet another comes, that one takes
/// its place, and the waiting one ends with unavailable.
class HttpControlLink final : public ports::ControlLink {
public:
    struct Place {
        std::string address;
        std::uint16_t port{4524};
    };

    /// `connector` makes streams to the control service and to nobody else. `told` hears in one
    /// sentence when the watch begins and why it ends, for the log, each reason once; on a thread of
    /// this. `loop` outlives this.
    HttpControlLink(ports::Loop& loop, posix::Connector connector, Place control, model::NodeId node,
                    std::function<void(const std::string&)> told);
    ~HttpControlLink() override;

    void watch(std::function<void(const model::Assignment&)> assigned) override;
    void report(const model::NodeReport& report, Done<model::ReportReceipt> done) override;

private:
    struct Outgoing {
        model::NodeReport report;
        Done<model::ReportReceipt> done;
    };

    void watch_until_stopped();
    [[nodiscard]] Status watch_once(bool& heard);
    [[nodiscard]] Status take_line(const std::string& line);
    void report_until_stopped();
    [[nodiscard]] Result<model::ReportReceipt> send(const model::NodeReport& report);
    void tell(const std::string& text);
    /// False: it is time to end.
    [[nodiscard]] bool rest(Duration pause);

    ports::Loop& loop_;
    model::NodeId node_;
    std::string path_;  ///< "/v1/nodes/<id>/"
    std::string place_;
    std::function<void(const std::string&)> told_;
    std::string last_told_;  ///< The watch's thread only.
    HttpClient watch_client_;
    HttpClient report_client_;

    std::mutex mutex_;  ///< Guards what follows.
    std::condition_variable changed_;
    bool stopping_{false};
    std::function<void(const model::Assignment&)> assigned_;
    std::optional<Outgoing> outgoing_;
    std::thread watching_;
    std::thread reporting_;
};

}  // namespace flocker::http
