// SPDX-License-Identifier: Apache-2.0
#include "driver/trace.hpp"

#include <fmt/format.h>

namespace flocker::driver {

using namespace model;

std::string describe(const DatasetAction& action) {
    const std::string id = dataset_of(action).value;
    return std::visit(
        Overloaded{
            [&](const CreateDataset& a) { return fmt::format("create {} epoch {}", id, a.epoch.value); },
            [&](const MountDataset&) { return fmt::format("mount {}", id); },
            [&](const TakeSnapshot& a) { return fmt::format("snapshot {} {}", id, to_text(a.snapshot)); },
            [&](const SealDataset& a) { return fmt::format("seal {} {} for move {}", id, to_text(a.snapshot), a.move.value); },
            [&](const UnsealDataset& a) { return fmt::format("unseal {} epoch {}", id, a.epoch.value); },
            [&](const StartTrial& a) { return fmt::format("trial {} from {} for move {}", id, to_text(a.from), a.move.value); },
            [&](const SyncTrial&) { return fmt::format("sync trial {}", id); },
            [&](const AdoptTrial& a) {
                return fmt::format("adopt trial {} of move {} epoch {}", id, a.move.value, a.epoch.value);
            },
            [&](const DiscardTrial&) { return fmt::format("discard trial {}", id); },
            [&](const DemoteDataset& a) { return fmt::format("demote {} epoch {}", id, a.epoch.value); },
            [&](const DropSnapshots& a) { return fmt::format("drop {} snapshots of {}", a.snapshots.size(), id); },
            [&](const NoteAcknowledged& a) { return fmt::format("note {} of {} at {}", to_text(a.snapshot), id, a.node.value); },
            [&](const DestroyDataset&) { return fmt::format("destroy {}", id); },
            [&](const DropAside& drop) { return fmt::format("remove {} of {}, set aside", drop.set_aside.size(), id); },
            [&](const ReleaseReplica&) { return fmt::format("release the replica of {}", id); },
            [&](const LimitDataset& a) {
                return fmt::format("limit {} to {}", id, a.maximum ? to_text(*a.maximum) : "the pool");
            },
        },
        action);
}

std::string describe(const ContainerAction& action) {
    const std::string name = application_of(action).value;
    return std::visit(Overloaded{
                          [&](const CreateContainer& a) { return fmt::format("create container {} {}", name, a.spec.address); },
                          [&](const StartContainer&) { return fmt::format("start {}", name); },
                          [&](const ReleaseContainer&) { return fmt::format("release {}", name); },
                          [&](const StopContainer& a) { return fmt::format("stop {}{}", name, a.at_once ? " at once" : ""); },
                          [&](const RemoveContainer&) { return fmt::format("remove container {}", name); },
                          [&](const AwaitReady&) { return fmt::format("await {}", name); },
                          [&](const RunHook&) { return fmt::format("hook of {}", name); },
                      },
                      action);
}

std::string describe(const RouteTable& table) {
    std::string text = "routes";
    for (const auto& [external, entry] : table) {
        text += fmt::format(" {}{}{}", to_text(external), entry.held ? "=held:" : "=",
                            entry.target ? fmt::format("{}:{}", entry.target->address, entry.target->port) : "none");
    }
    return text;
}

std::string describe(const Change& change) {
    return std::visit(
        Overloaded{
            [](const PutNode& c) { return "node " + c.node.name; },
            [](const EraseNode& c) { return "no node " + c.node.value; },
            [](const PutWanted& c) {
                return fmt::format("want {} on {} incarnation {}", c.wanted.application.name.value, c.wanted.node.value,
                                   c.wanted.incarnation);
            },
            [](const EraseWanted& c) { return "want no " + c.application.value; },
            [](const PutOwnership& c) {
                const Ownership& o = c.ownership;
                return fmt::format("ownership {} {} epoch {}{}{}", o.subject.value, o.owner.value, o.epoch.value,
                                   o.move ? fmt::format(" move {} to {} {}", o.move->id.value, o.move->target.value,
                                                        to_string(o.move->phase))
                                          : "",
                                   o.destroying ? " destroying" : "");
            },
            [](const PutSettings&) { return std::string("settings"); },
            [](const PutTakeover& c) {
                return c.takeover ? fmt::format("takeover, {} unheard", c.takeover->unheard.size()) : "takeover over";
            },
            [](const EraseOwnership& c) { return "no ownership " + c.subject.value; },
            [](const AddEvent& c) {
                return fmt::format("event {} {}: {}", to_string(c.event.kind), c.event.subject, c.event.text);
            },
        },
        change);
}

std::string describe(const protocol::Agent::Effect& effect) {
    using A = protocol::Agent;
    return std::visit(
        Overloaded{
            [](const A::DoToDataset& e) { return describe(e.action); },
            [](const A::DoToContainer& e) { return describe(e.action); },
            [](const A::FetchImage& e) { return fmt::format("fetch image {} from {}", e.image, e.from.id.value); },
            [](const A::PullImage& e) { return "pull image " + e.image; },
            [](const A::AskHoldings& e) { return fmt::format("ask {} for {}", e.node.id.value, e.dataset.value); },
            [](const A::SendSnapshot& e) {
                return fmt::format("send {} {} from {} to {}", e.order.dataset.value, to_text(e.order.to),
                                   e.order.base ? to_text(*e.order.base) : "nothing", e.order.target.id.value);
            },
            [](const A::ApplyRoutes& e) { return describe(e.table); },
            [](const auto&) { return std::string(); },
        },
        effect);
}

std::string describe(const protocol::Control::Effect& effect) {
    using C = protocol::Control;
    return std::visit(Overloaded{
                          [](const C::Commit& e) {
                              std::string text = fmt::format("commit after {}:", e.expected.value);
                              for (const Change& change : e.changes) text += " [" + describe(change) + "]";
                              return text;
                          },
                          [](const C::Publish& e) {
                              return fmt::format("assign {} revision {}", e.assignment.node.value, e.assignment.revision.value);
                          },
                          [](const C::Load&) { return std::string("load the records"); },
                          [](const auto&) { return std::string(); },
                      },
                      effect);
}

}  // namespace flocker::driver
