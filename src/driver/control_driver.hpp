// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <string>

#include "driver/alive.hpp"
#include "driver/trace.hpp"
#include "ports/control_link.hpp"
#include "ports/loop.hpp"
#include "ports/state_store.hpp"
#include "protocol/control.hpp"

namespace flocker::driver {

/// Runs the control service's machine over its ports: performs its effects, feeds the outcomes back.
///
/// Threads: everything on the loop thread. The ports, the loop and this outlive what they were given;
///          destroy it only when the loop runs nothing of it any more.
class ControlDriver {
public:
    struct Ports {
        ports::Loop& loop;
        ports::StateStore& store;
        ports::AgentSessions& sessions;
        ports::ImageCatalog& images;
    };

    /// `alarm` is told what keeps the records from being read or written, once each time; empty: as `trace`.
    ControlDriver(Ports ports, Trace trace, Trace alarm = {});
    ControlDriver(const ControlDriver&) = delete;
    ControlDriver& operator=(const ControlDriver&) = delete;

    void start();
    /// `done` is called before this returns.
    void reported(const model::NodeReport& report, const std::function<void(model::ReportReceipt)>& done);
    /// Answers exactly once, after what it rests on is durable.
    void ask(protocol::Control::Command command, std::function<void(protocol::Control::Answer)> answer);
    [[nodiscard]] plan::View view() const { return control_.view(ports_.loop.now()); }
    [[nodiscard]] ports::StateStore& store() { return ports_.store; }

private:
    void feed(const protocol::Control::Event& event);
    void perform(const protocol::Control::Effect& effect);
    void load();
    void commit(const protocol::Control::Commit& wished);
    void store_said(const char* doing, const Error* error);
    void find_images(const protocol::Control::FindImages& find);
    void tick();

    Ports ports_;
    Trace trace_;
    Trace alarm_;
    bool asked_for_records_{false};
    std::string store_fault_;  ///< What was said last; empty: all is well.
    protocol::Control control_;
    protocol::Control::RequestId last_request_{0};
    std::map<std::uint64_t, std::function<void(model::ReportReceipt)>> reports_;
    std::uint64_t last_report_{0};
    std::map<protocol::Control::RequestId, std::function<void(protocol::Control::Answer)>> asked_;
    Alive alive_;
};

}  // namespace flocker::driver
