// SPDX-License-Identifier: Apache-2.0
#include "driver/control_driver.hpp"

#include <memory>
#include <utility>

namespace flocker::driver {
namespace {

using protocol::Control;

/// Before the records are asked for again after the store failed.
constexpr Duration load_rest = 500ms;

}  // namespace

ControlDriver::ControlDriver(Ports ports, Trace trace, Trace alarm)
    : ports_(ports), trace_(std::move(trace)), alarm_(alarm ? std::move(alarm) : trace_), control_(ports.loop.now()) {}

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
                   [&](const Control::Load&) { load(); },
                   [&](const Control::Commit& changes) { commit(changes); },
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

void ControlDriver::load() {
    const auto ask = [this] {
        ports_.store.load(alive_.guard([this](Result<model::Records> records) {
            store_said("the records can't be read", records ? nullptr : &records.error());
            feed(Control::Loaded{std::move(records)});
        }));
    };
    ports_.loop.after(std::exchange(asked_for_records_, true) ? load_rest : Duration{0}, alive_.guard(ask));
}

void ControlDriver::commit(const Control::Commit& wished) {
    ports_.store.commit(wished.expected, wished.changes, alive_.guard([this](Result<model::Revision> revision) {
        store_said("the records can't be written", revision ? nullptr : &revision.error());
        feed(Control::Committed{std::move(revision)});
    }));
}

/// A full disk fails each attempt in the same way, several times a second. That it can be read says nothing of that.
void ControlDriver::store_said(const char* doing, const Error* error) {
    if (!error && !store_fault_.starts_with(doing)) return;
    const std::string fault = error ? std::string(doing) + ": " + error->message : std::string();
    if (std::exchange(store_fault_, fault) == fault) return;
    alarm_(error ? fault : "the records can be read and written again");
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
