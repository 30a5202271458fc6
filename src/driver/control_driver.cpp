// SPDX-License-Identifier: Apache-2.0
#include "driver/control_driver.hpp"

#include <memory>

namespace flocker::driver {
namespace {

using protocol::Control;

/// Before the records are asked for again after the store failed.
constexpr Duration load_rest = 500ms;

}  // namespace

ControlDriver::ControlDriver(Ports ports, Trace trace)
    : ports_(ports), trace_(std::move(trace)), control_(ports.loop.now()) {}

void ControlDriver::start() {
    for (const auto& effect : control_.begin()) perform(effect);
    tick();
}

void ControlDriver::reported(const model::NodeReport& report, const std::function<void(model::ReportReceipt)>& done) {
    const std::uint64_t id = ++last_report_;
    reports_.emplace(id, done);
    feed(Control::Reported{id, report});
}

void ControlDriver::ask(Control::Command command, std::function<void(Control::Answer)> answer) {
    const Control::RequestId id = ++last_request_;
    asked_.emplace(id, std::move(answer));
    feed(Control::Asked{id, std::move(command)});
}

void ControlDriver::feed(const Control::Event& event) {
    for (const auto& effect : control_.on(event, ports_.loop.now())) perform(effect);
}

void ControlDriver::perform(const Control::Effect& effect) {
    if (const std::string line = describe(effect); !line.empty()) trace_(line);
    std::visit(Overloaded{
                   [&](const Control::Load&) {
                       const auto load = [this] {
                           ports_.store.load(alive_.guard([this](Result<model::Records> records) {
                               if (!records) trace_("the records can't be loaded: " + records.error().message);
                               feed(Control::Loaded{std::move(records)});
                           }));
                       };
                       ports_.loop.after(control_.view({}).records.revision.value == 0 ? Duration{0} : load_rest,
                                         alive_.guard(load));
                   },
                   [&](const Control::Commit& commit) {
                       ports_.store.commit(commit.expected, commit.changes,
                                           alive_.guard([this](Result<model::Revision> revision) {
                                               if (!revision) trace_("commit failed: " + revision.error().message);
                                               feed(Control::Committed{std::move(revision)});
                                           }));
                   },
                   [&](const Control::Publish& publish) { ports_.sessions.publish(publish.assignment); },
                   [&](const Control::FindImages& find) { find_images(find); },
                   [&](const Control::Receipt& receipt) {
                       const auto found = reports_.find(receipt.id);
                       if (found == reports_.end()) return;
                       const auto done = std::move(found->second);
                       reports_.erase(found);
                       done(receipt.receipt);
                   },
                   [&](const Control::Reply& reply) {
                       const auto found = asked_.find(reply.id);
                       if (found == asked_.end()) return;
                       auto answer = std::move(found->second);
                       asked_.erase(found);
                       answer(reply.answer);
                   },
               },
               effect);
}

void ControlDriver::find_images(const Control::FindImages& find) {
    struct Search {
        Control::ImagesFound found;
        std::size_t left;
    };
    const auto search = std::make_shared<Search>(Search{{find.id, {}}, find.images.size()});
    for (const std::string& image : find.images) {
        ports_.images.find(image, alive_.guard([this, search, image](Status outcome) {
            if (!outcome) search->found.missing.emplace_back(image, outcome.error());
            if (--search->left == 0) feed(search->found);
        }));
    }
}

void ControlDriver::tick() {
    feed(Control::Tick{});
    ports_.loop.after(Control::tick_interval, alive_.guard([this] { tick(); }));
}

}  // namespace flocker::driver
