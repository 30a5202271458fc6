// SPDX-License-Identifier: Apache-2.0
#include "plan/deploy.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "plan/replicas.hpp"
#include "plan/takeover.hpp"

namespace flocker::plan {
namespace {

using namespace model;

/// Room is asked for with this much to spare: a copy needs some for its own records.
constexpr double room_factor = 1.1;

std::string node_list(const Records& records) {
    std::string names;
    for (const auto& [id, node] : records.nodes) names += (names.empty() ? "" : ", ") + node.name;
    return names.empty() ? "none" : names;
}

std::string no_application(const ApplicationName& name) {
    return fmt::format("no application is called \"{}\"", name.value);
}

/// Of one application, for one reason.
std::vector<Refusal> refused(const ApplicationName& application, std::string why) {
    return {{Refusal::About::application, application.value, 0, std::move(why)}};
}

/// Collects the plan and the refusals of one deployment, application by application.
class Planner {
public:
    /// `keeps_names`: nothing is said of where replicas are to be; it stays as it is.
    Planner(const View& view, const Deployment& deployment, bool keeps_names)
        : view_(view), deployment_(deployment), keeps_names_(keeps_names) {}

    std::variant<DeployPlan, std::vector<Refusal>> run() {
        resolve_places();
        for (const auto& [place, names] : deployment_.places) {
            for (const ApplicationName& name : names) wish(place, name);
        }
        remove_unwished();
        for (const SubjectId& subject : leaving_) {
            if (!claimed_.contains(subject)) detach(subject);
        }
        check_ports_and_datasets();
        if (!refusals_.empty()) return std::move(refusals_);
        std::ranges::sort(plan_.steps, {}, &Step::application);
        if (!plan_.changes.empty()) {
            plan_.changes.push_back(AddEvent{{0, view_.now, EventKind::deployed, "deployment", summary()}});
        }
        return std::move(plan_);
    }

private:
    using About = Refusal::About;

    void refuse(About about, std::string name, std::string message, const ExternalPort& port = {}) {
        refusals_.push_back({about, std::move(name), port, std::move(message)});
    }

    void resolve_places() {
        std::map<NodeId, std::string> named;
        for (const auto& [place, names] : deployment_.places) {
            const auto* reference = std::get_if<NodeReference>(&place);
            if (!reference) {
                resolve_datacenter(place);
                continue;
            }
            const Node* node = find_node(view_.records, *reference);
            if (!node) {
                refuse(About::place, to_text(place),
                       fmt::format("no node is called \"{}\"; the nodes are: {}", reference->value,
                                   node_list(view_.records)));
                continue;
            }
            if (const auto [at, fresh] = named.emplace(node->id, reference->value); !fresh) {
                refuse(About::place, to_text(place),
                       fmt::format("\"{}\" and \"{}\" are the same node; name it once", at->second, reference->value));
            }
            governed_nodes_.insert(node->id);
        }
    }

    void resolve_datacenter(const Place& place) {
        const auto& name = std::get<DatacenterName>(place).value;
        const bool known = std::ranges::any_of(view_.records.nodes,
                                               [&](const auto& entry) { return entry.second.datacenter == name; });
        if (!known) {
            refuse(About::place, to_text(place),
                   fmt::format("no node is in a data center called \"{}\"; it is given at init or join", name));
        }
    }

    void wish(const Place& place, const ApplicationName& name) {
        const auto found = std::ranges::find(deployment_.applications, name, &Application::name);
        if (found == deployment_.applications.end()) {
            refuse(About::place, to_text(place), no_application(name));
            return;
        }
        const std::optional<NodeId> node = choose_node(place, *found);
        if (!node) return;
        placed_.insert(name);
        ++load_[*node];
        place_application({*found, place, *node, 0, std::nullopt, replica_nodes(place, *found, *node)});
    }

    // --- named replicas --------------------------------------------------------------------------

    [[nodiscard]] const Wanted* configured(const ApplicationName& name) const {
        const auto found = view_.records.configuration.find(name);
        return found == view_.records.configuration.end() ? nullptr : &found->second;
    }

    std::optional<std::set<NodeId>> replica_nodes(const Place& place, const Application& application, const NodeId& chosen) {
        const Wanted* before = configured(application.name);
        if (keeps_names_) return before ? before->replica_nodes : std::nullopt;
        const auto said = deployment_.replicas.find(application.name);
        if (said == deployment_.replicas.end()) return std::nullopt;
        const auto* reference = std::get_if<NodeReference>(&place);
        const Node* own = reference ? find_node(view_.records, *reference) : nullptr;
        const auto named_before = [&](const NodeId& node) {
            return before && before->replica_nodes && before->replica_nodes->contains(node);
        };
        // One that a failover made the owner may go on being named.
        const auto is_own = [&](const NodeId& node) { return own ? node == own->id : node == chosen && !named_before(node); };
        std::set<NodeId> nodes;
        for (const NodeReference& written : said->second) {
            const auto wrong = [&](std::string message) {
                refusals_.push_back({About::replica, application.name.value, 0, std::move(message), written.value});
            };
            const Node* node = find_node(view_.records, written);
            if (!node) {
                wrong(fmt::format("no node is called \"{}\"; the nodes are: {}", written.value, node_list(view_.records)));
            } else if (is_own(node->id)) {
                wrong(fmt::format("it runs on {} itself; a replica is on another node", node->name));
            } else if (!nodes.insert(node->id).second) {
                wrong(fmt::format("\"{}\" is a node that is named already; name it once", written.value));
            } else if (!named_before(node->id)) {
                if (std::string why_not = can_not_hold(application, *node); !why_not.empty()) wrong(std::move(why_not));
            }
        }
        return nodes;
    }

    /// Why a replica can't be begun on a node that is named for it for the first time; empty: it can.
    [[nodiscard]] std::string can_not_hold(const Application& application, const Node& node) const {
        const auto found = view_.records.ownerships.find(subject_of(application));
        const Ownership* ownership = found == view_.records.ownerships.end() ? nullptr : &found->second;
        const bool there = ownership && (ownership->replicas.contains(node.id) || ownership->owner == node.id);
        if (node.draining) {
            return fmt::format("node {0} is being drained; choose another, or `flocker node activate {0}`", node.name);
        }
        if (there) return {};
        if (!is_alive(view_, node.id)) {
            return fmt::format("node {} does not answer; start flockerd there, or choose another node", node.name);
        }
        if (!ownership || !ownership->dataset || has_room(view_, *ownership, node.id)) return {};
        const NodeReport* report = report_of(view_, node.id);
        return fmt::format("the pool of node {} has no room for its volume: {} free{}", node.name, to_text(report->pool_free),
                           report->pool_short ? ", it is short" : "");
    }

    std::optional<NodeId> choose_node(const Place& place, const Application& application) {
        if (const auto* reference = std::get_if<NodeReference>(&place)) {
            const Node* node = find_node(view_.records, *reference);
            return node ? std::optional(stays_away(*node, place, application).value_or(node->id)) : std::nullopt;
        }
        const auto& datacenter = std::get<DatacenterName>(place).value;
        const auto inside = [&](const NodeId& id) {
            const auto node = view_.records.nodes.find(id);
            return node != view_.records.nodes.end() && node->second.datacenter == datacenter;
        };
        const auto free_inside = [&](const NodeId& id) { return inside(id) && !is_named_replica(application.name, id); };
        const auto configured = view_.records.configuration.find(application.name);
        if (configured != view_.records.configuration.end() && inside(configured->second.node)) {
            return configured->second.node;
        }
        const auto ownership = view_.records.ownerships.find(subject_of(application));
        if (ownership != view_.records.ownerships.end() && inside(ownership->second.owner)) {
            return ownership->second.owner;
        }
        return emptiest(free_inside);
    }
    [[nodiscard]] bool is_named_replica(const ApplicationName& application, const NodeId& id) const {
        const auto said = deployment_.replicas.find(application);
        return said != deployment_.replicas.end() && std::ranges::any_of(said->second, [&](const NodeReference& written) {
                   const Node* node = find_node(view_.records, written);
                   return node && node->id == id;
               });
    }

    /// Where the application is, if a drain or a failover took it from this place, which the manifest names
    /// as before and which can not have it now.
    [[nodiscard]] std::optional<NodeId> stays_away(const Node& node, const Place& place, const Application& application) const {
        const auto configured = view_.records.configuration.find(application.name);
        if (configured == view_.records.configuration.end()) return std::nullopt;
        const Wanted& before = configured->second;
        if (!(before.place_as_written == place) || before.node == node.id) return std::nullopt;
        if (!node.draining && is_alive(view_, node.id)) return std::nullopt;
        return before.node;
    }

    template <class Inside>
    std::optional<NodeId> emptiest(const Inside& inside) {
        const Node* best = nullptr;
        const auto load = [&](const Node& node) {
            auto count = load_.contains(node.id) ? load_.at(node.id) : 0;
            for (const auto& [name, wanted] : view_.records.configuration) {
                if (wanted.node == node.id && !placed_.contains(name)) ++count;
            }
            return std::tuple(!is_alive(view_, node.id) || node.draining, count, node.name);
        };
        for (const auto& [id, node] : view_.records.nodes) {
            if (inside(id) && (!best || load(node) < load(*best))) best = &node;
        }
        return best ? std::optional(best->id) : std::nullopt;
    }

    void place_application(Wanted wanted) {
        const Application& application = wanted.application;
        const auto configured = view_.records.configuration.find(application.name);
        const Wanted* before = configured == view_.records.configuration.end() ? nullptr : &configured->second;
        wanted.incarnation = before ? before->incarnation : 0;

        const SubjectId subject = subject_of(application);
        const auto found = view_.records.ownerships.find(subject);
        const std::optional<Ownership> stranded = found == view_.records.ownerships.end() ? on_a_pool(application) : std::nullopt;
        const Ownership* ownership = stranded ? &*stranded : nullptr;
        if (found != view_.records.ownerships.end()) ownership = &found->second;
        claimed_.insert(subject);
        if (before && subject_of(before->application) != subject) leaving_.insert(subject_of(before->application));

        Step step{Step::Kind::start, application.name, wanted.node, wanted.node, {}, {}};
        if (found == view_.records.ownerships.end() && application.volume) refuse_if_it_may_be_elsewhere(application);
        if (!ownership) {
            Ownership fresh;
            fresh.subject = subject;
            if (application.volume) fresh.dataset = application.volume->dataset;
            fresh.application = application.name;
            fresh.owner = wanted.node;
            plan_.changes.push_back(PutOwnership{fresh});
        } else {
            continue_ownership(*ownership, before, wanted, step);
        }
        check_node(wanted, step);
        check_taken(application, before);
        check_size(wanted, ownership, before, step);
        check_image(wanted, before);
        if (!before || !(*before == wanted)) plan_.changes.push_back(PutWanted{wanted});
        plan_.steps.push_back(step);
    }

    /// The records may be an older copy, and the volume, or a newer owner of it, on a node that is still to be heard.
    void refuse_if_it_may_be_elsewhere(const Application& application) {
        const std::set<NodeId> unheard = unheard_members(view_.records);
        if (unheard.empty()) return;
        const std::string name = node_name(view_.records, *unheard.begin());
        refuse(About::volume, application.name.value,
               fmt::format("the records do not know its volume, and {} has not been heard since they were taken over or "
                           "restored, and may have it: wait until it answers, or take it out with `flocker node rm {}`",
                           name, name));
    }

    /// A volume that the records do not know, for they were an older copy: it is where its owner's copy is.
    [[nodiscard]] std::optional<Ownership> on_a_pool(const Application& application) const {
        std::optional<Ownership> newest;
        if (!application.volume) return newest;
        for (const auto& [node, state] : view_.states) {
            const DatasetSeen* seen = dataset_in(&state.report, application.volume->dataset);
            if (!seen || !seen->live || (newest && newest->epoch >= seen->epoch)) continue;
            newest.emplace();
            newest->subject = subject_of(application);
            newest->dataset = application.volume->dataset;
            newest->owner = node;
            newest->epoch = seen->epoch;
            newest->established = true;
        }
        return newest;
    }

    /// The application or its data exist: what is to become of them.
    void continue_ownership(const Ownership& ownership, const Wanted* before, Wanted& wanted, Step& step) {
        if (ownership.destroying) {
            refuse(About::application, wanted.application.name.value,
                   fmt::format("its volume {} is being destroyed; wait until it is gone", ownership.subject.value));
            return;
        }
        Ownership changed = ownership;
        changed.application = wanted.application.name;
        changed.avoided_target.reset();
        if (!(changed == ownership)) plan_.changes.push_back(PutOwnership{changed});

        const bool attached = ownership.application == wanted.application.name;
        const ContainerSeen* container = container_in(report_of(view_, ownership.owner), wanted.application.name);
        if (ownership.owner != wanted.node) {
            step.kind = Step::Kind::move;
            step.from = ownership.owner;
            step.to_copy = to_copy(ownership, wanted.node);
            step.predicted = predict(view_, ownership);
            if (ownership.move && ownership.move->target == wanted.node) step.reason = "under way";
        } else if (!attached || !before) {
            step.reason = attached ? "" : "its volume is here";
        } else if (!same_container(before->application, wanted.application)) {
            step.kind = Step::Kind::restart;
            step.reason = difference(before->application, wanted.application);
        } else if (container && container->status == ContainerSeen::Status::exited && !ownership.move) {
            ++wanted.incarnation;
            step.reason = fmt::format("exited with code {}", container->exit_code);
        } else {
            step.kind = Step::Kind::keep;
            if (before->replica_nodes != wanted.replica_nodes) step.reason = replicas_text(wanted);
        }
    }

    [[nodiscard]] std::string replicas_text(const Wanted& wanted) const {
        if (!wanted.replica_nodes) return "replicas where there is room";
        std::vector<std::string> names;
        for (const NodeId& node : *wanted.replica_nodes) names.push_back(node_name(view_.records, node));
        std::ranges::sort(names);
        return names.empty() ? "no replicas" : fmt::format("replicas on {}", fmt::join(names, ", "));
    }

    [[nodiscard]] Bytes to_copy(const Ownership& ownership, const NodeId& target) const {
        if (!ownership.dataset) return {};
        const DatasetSeen* source = dataset_in(report_of(view_, ownership.owner), *ownership.dataset);
        if (!source) return {};
        const DatasetSeen* there = dataset_in(report_of(view_, target), *ownership.dataset);
        return there && !there->snapshots.empty() ? Bytes{0} : source->used;
    }

    static std::string difference(const Application& a, const Application& b) {
        std::vector<std::string> what;
        if (a.image != b.image) what.push_back("image");
        if (a.ports != b.ports) what.push_back("ports");
        if (a.links != b.links) what.push_back("links");
        if (a.environment != b.environment) what.push_back("environment");
        if (a.mem_limit != b.mem_limit) what.push_back("mem_limit");
        if (a.cpu_shares != b.cpu_shares) what.push_back("cpu_shares");
        if (a.command != b.command) what.push_back("command");
        if (a.volume != b.volume) what.push_back("volume");
        if (a.gate != b.gate) what.push_back("gate");
        return fmt::format("{} changed", fmt::join(what, ", "));
    }

    void check_node(const Wanted& wanted, const Step& step) {
        if (step.kind == Step::Kind::keep) return;
        const auto& name = wanted.application.name.value;
        if (!is_alive(view_, wanted.node)) {
            refuse(About::application, name,
                   fmt::format("node {} does not answer; start flockerd there, or choose another node",
                               node_name(view_.records, wanted.node)));
            return;
        }
        const auto node = view_.records.nodes.find(wanted.node);
        const bool comes = step.kind == Step::Kind::move || step.kind == Step::Kind::start;
        if (comes && node != view_.records.nodes.end() && node->second.draining) {
            refuse(About::application, name,
                   fmt::format("node {0} is being drained; choose another, or `flocker node activate {0}`", node->second.name));
            return;
        }
        if (step.kind != Step::Kind::move) return;
        if (!is_alive(view_, step.from)) {
            refuse(About::application, name,
                   fmt::format("its data is on node {}, which does not answer; wait for it, or `flocker failover {}`",
                               node_name(view_.records, step.from), name));
            return;
        }
        const NodeReport* target = report_of(view_, wanted.node);
        const auto needed = static_cast<std::uint64_t>(static_cast<double>(step.to_copy.value) * room_factor);
        if (target && target->pool_free.value < needed) {
            refuse(About::application, name,
                   fmt::format("its volume takes {}, and the pool of node {} has {} free", to_text(step.to_copy),
                               node_name(view_.records, wanted.node), to_text(target->pool_free)));
        }
    }

    /// Every node answers at the port; one that somebody else has already would be led away from there.
    void check_taken(const Application& application, const Wanted* before) {
        for (const Port& port : application.ports) {
            const auto answers = [&](const Port& had) { return external_of(had) == external_of(port); };
            if (before && std::ranges::any_of(before->application.ports, answers)) continue;
            for (const auto& [id, node] : view_.records.nodes) {
                const NodeReport* report = is_alive(view_, id) ? report_of(view_, id) : nullptr;
                if (!report) continue;
                const auto taken = std::ranges::find_if(report->taken_ports, [&](const TakenPort& each) {
                    return ExternalPort(each.number, each.protocol) == external_of(port);
                });
                if (taken == report->taken_ports.end()) continue;
                refuse(About::port, application.name.value,
                       fmt::format("external port {} is taken on node {} by {}; every node answers at it: choose another, or "
                                   "stop that",
                                   to_text(external_of(port)), node.name, taken->by.empty() ? "somebody else" : taken->by),
                       external_of(port));
            }
        }
    }

    /// A volume is not made smaller than what is in it.
    void check_size(const Wanted& wanted, const Ownership* ownership, const Wanted* before, Step& step) {
        if (!wanted.application.volume || !ownership) return;
        const auto& size = wanted.application.volume->maximum_size;
        const bool known = before && before->application.volume;
        if (known && before->application.volume->maximum_size == size) return;
        const DatasetSeen* seen = dataset_in(report_of(view_, ownership->owner), *ownership->dataset);
        if (size && seen && seen->used > *size) {
            refuse(About::volume, wanted.application.name.value,
                   fmt::format("its volume holds {}, and maximum_size is to be {}; remove something first, or say at "
                               "least what it holds",
                               to_text(seen->used), to_text(*size)));
        }
        if (step.kind == Step::Kind::keep && step.reason.empty()) {
            step.reason = size ? "its volume may hold " + to_text(*size) : "its volume may hold what the pool has";
        }
    }

    void check_image(const Wanted& wanted, const Wanted* before) {
        const std::string& image = wanted.application.image;
        if (before && before->application.image == image) return;
        const bool present = std::ranges::any_of(
            view_.states, [&](const auto& entry) { return entry.second.report.images.contains(image); });
        if (!present && std::ranges::find(plan_.images_to_find, image) == plan_.images_to_find.end()) {
            plan_.images_to_find.push_back(image);
        }
    }

    /// Stops what ran in a governed place and is no longer wished.
    void remove_unwished() {
        for (const auto& [name, wanted] : view_.records.configuration) {
            if (placed_.contains(name)) continue;
            const bool named_again = deployment_.places.contains(wanted.place_as_written);
            if (!governed_nodes_.contains(wanted.node) && !named_again) {
                plan_.left_alone.push_back(name);
                continue;
            }
            plan_.changes.push_back(EraseWanted{name});
            leaving_.insert(subject_of(wanted.application));
            plan_.steps.push_back({Step::Kind::stop, name, wanted.node, wanted.node, {}, "no longer in the manifests"});
        }
    }

    /// An application leaves; its data stays (P3). A move that was under way is given up.
    void detach(const SubjectId& subject) {
        const auto found = view_.records.ownerships.find(subject);
        if (found == view_.records.ownerships.end()) return;
        if (!found->second.dataset) {
            plan_.changes.push_back(EraseOwnership{subject});
            return;
        }
        Ownership detached = found->second;
        detached.application.reset();
        detached.avoided_target.reset();
        // One that is committed goes on: the new owner still has to take the trial over.
        if (detached.move && detached.move->phase != MovePhase::settling) {
            detached.replicas.insert(detached.move->target);
            detached.move.reset();
        }
        plan_.changes.push_back(PutOwnership{detached});
    }

    /// Against what is left alone; within the manifests the reader has checked.
    void check_ports_and_datasets() {
        for (const ApplicationName& other_name : plan_.left_alone) {
            const Application& other = view_.records.configuration.at(other_name).application;
            for (const Application& application : deployment_.applications) {
                if (!placed_.contains(application.name)) continue;
                for (const Port& port : application.ports) {
                    if (std::ranges::find(other.ports, external_of(port), external_of) == other.ports.end()) continue;
                    refuse(About::port, application.name.value,
                           fmt::format("external port {} belongs to application {}, which this deployment leaves alone",
                                       to_text(external_of(port)), other_name.value),
                           external_of(port));
                }
                if (application.volume && other.volume && application.volume->dataset == other.volume->dataset) {
                    refuse(About::application, application.name.value,
                           fmt::format("dataset {} belongs to application {}, which this deployment leaves alone",
                                       application.volume->dataset.value, other_name.value));
                }
            }
        }
    }

    [[nodiscard]] std::string summary() const {
        std::map<Step::Kind, int> counts;
        for (const Step& step : plan_.steps) ++counts[step.kind];
        std::vector<std::string> parts;
        for (const auto& [kind, count] : counts) parts.push_back(fmt::format("{} {}", to_string(kind), count));
        return fmt::format("{}", fmt::join(parts, ", "));
    }

    const View& view_;
    const Deployment& deployment_;
    bool keeps_names_;
    DeployPlan plan_;
    std::vector<Refusal> refusals_;
    std::set<NodeId> governed_nodes_;
    std::set<ApplicationName> placed_;
    std::set<SubjectId> claimed_;  ///< By an application of this deployment.
    std::set<SubjectId> leaving_;  ///< Of an application that stops, or takes another volume.
    std::map<NodeId, int> load_;
};

}  // namespace

const char* to_string(Step::Kind kind) {
    switch (kind) {
        case Step::Kind::start: return "start";
        case Step::Kind::stop: return "stop";
        case Step::Kind::restart: return "restart";
        case Step::Kind::move: return "move";
        case Step::Kind::keep: return "keep";
    }
    return "keep";
}

const Node* find_node(const Records& records, const NodeReference& reference) {
    const auto by = [&](auto member) -> const Node* {
        for (const auto& [id, node] : records.nodes) {
            if (node.*member == reference.value) return &node;
        }
        return nullptr;
    };
    if (const Node* node = by(&Node::name)) return node;
    if (const Node* node = by(&Node::address)) return node;
    return by(&Node::hostname);
}

std::variant<DeployPlan, std::vector<Refusal>> plan_deployment(const View& view, const Deployment& deployment) {
    return Planner(view, deployment, false).run();
}

std::variant<DeployPlan, std::vector<Refusal>> plan_move(const View& view, const ApplicationName& application,
                                                         const NodeReference& to, std::optional<Duration> downtime_max) {
    const auto configured = view.records.configuration.find(application);
    if (configured == view.records.configuration.end()) {
        return refused(application, no_application(application));
    }
    // The one application at its new place, and nothing else said about that place.
    const auto plan_alone = [&](const View& narrowed) {
        const Deployment deployment{{configured->second.application}, {{Place{to}, {application}}}};
        return Planner(narrowed, deployment, true).run();
    };
    Records alone = view.records;
    std::erase_if(alone.configuration, [&](const auto& entry) { return entry.first != application; });
    auto planned = plan_alone({alone, view.states, view.now, view.started});
    if (auto* plan = std::get_if<DeployPlan>(&planned); plan && downtime_max) {
        for (const Step& step : plan->steps) {
            if (!step.predicted || step.predicted->total - step.predicted->increment <= *downtime_max) continue;
            return refused(application, over_limit_text(*step.predicted, *downtime_max) +
                                            "; allow more, or move it without a limit");
        }
        bool limited = false;
        for (Change& change : plan->changes) {
            auto* put = std::get_if<PutWanted>(&change);
            if (!put) continue;
            put->wanted.downtime_max = downtime_max;
            limited = true;
        }
        // It is wanted there already, by a move that was given up.
        const bool moves = std::ranges::any_of(plan->steps, [](const Step& step) { return step.kind == Step::Kind::move; });
        if (moves && !limited) {
            Wanted again = configured->second;
            again.downtime_max = downtime_max;
            plan->changes.push_back(PutWanted{again});
        }
    }
    return planned;
}

std::variant<DeployPlan, std::vector<Refusal>> plan_cancel(const View& view, const ApplicationName& application) {
    const auto configured = view.records.configuration.find(application);
    if (configured == view.records.configuration.end()) {
        return refused(application, no_application(application));
    }
    const Wanted& wanted = configured->second;
    const auto ownership = view.records.ownerships.find(subject_of(wanted.application));
    if (ownership == view.records.ownerships.end()) return refused(application, "it is not being moved");
    const Ownership& owned = ownership->second;
    const std::string owner = node_name(view.records, owned.owner);
    if (owned.move && owned.move->phase == MovePhase::settling) {
        return refused(application,
                       fmt::format("its move is past the point of return: {} owns it; `flocker move {} {}` moves it back",
                                   owner, application.value, node_name(view.records, owned.move->source)));
    }
    if (wanted.node == owned.owner) return refused(application, fmt::format("it is not being moved, and stays on {}", owner));
    DeployPlan plan;
    Wanted stays = wanted;
    stays.node = owned.owner;
    stays.downtime_max.reset();
    plan.changes.emplace_back(PutWanted{stays});
    plan.steps.push_back({Step::Kind::keep, application, owned.owner, owned.owner, {},
                          fmt::format("its move to {} is called off", node_name(view.records, wanted.node))});
    return plan;
}

}  // namespace flocker::plan
