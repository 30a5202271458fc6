// SPDX-License-Identifier: Apache-2.0
#include "sim/scenario.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <set>

#include "plan/failover.hpp"
#include "plan/why.hpp"
#include "sim/checks.hpp"
#include "sim/clients.hpp"
#include "sim/cluster.hpp"

namespace flocker::sim {
namespace {

using namespace model;

constexpr Duration trouble_lasts = 60s;
/// Of what clients write some hundred blocks a second are overwritten, at most.
constexpr Bytes cramped_pool{12'000 * 100};
constexpr Duration node_away = 240s;
/// Longer than every limit of the protocol together: a cutover's, a settling's, the longest rest.
constexpr Duration calm_lasts = 300s;

class Scenario {
public:
    Scenario(std::uint64_t seed, Weather weather, bool keep_story)
        : weather_(weather), world_(seed), cluster_(world_, faults_, 2 + static_cast<int>(world_.draw(3))) {
        outcome_.seed = seed;
        if (keep_story) world_.keep_story();
    }

    Outcome run() {
        watch();
        draw_applications();
        start();
        draw_faults();
        user_acts();
        trouble();
        world_.run_until(world_.now() + trouble_lasts);
        end_of_trouble();
        settle();
        return finish();
    }

private:
    // --- the cluster and its watchers -----------------------------------------------------------

    void watch() {
        for (const auto& [name, host] : cluster_.hosts) {
            Host* at = host.get();
            at->engine.written = [this, at](const EngineHost::Container& container, const std::string& entry, bool by_client) {
                one_writer_.written(*at, container, by_client);
                const auto& volume = container.spec.application.volume;
                if (by_client && volume) nothing_lost_.acknowledged(*at, volume->dataset, entry);
            };
            at->pool.letting_go = [this, at](const DatasetId& dataset, const DatasetAction& action) {
                last_copy_kept_.letting_go(*at, dataset, action);
                nothing_lost_.letting_go(*at, dataset, action);
                if (std::holds_alternative<DropAside>(action)) ++outcome_.marks["removed what was set aside"];
                if (std::holds_alternative<DemoteDataset>(action)) diverged_kept_.demoting(*at, dataset);
            };
        }
        cluster_.reached = [this](Host& host, const EngineHost::Container& container) { right_place_.reached(host, container); };
        cluster_.committed = [this](const Records& before, const Records& after) {
            one_writer_.committed(before, after);
            nothing_lost_.committed(before, after);
            count_moves(before, after);
        };
        look();
    }

    void look() {
        last_copy_kept_.look();
        debt_bounded_.look();
        world_.at(100ms, [this] { look(); });
    }

    void count_moves(const Records& before, const Records& after) {
        for (const auto& [subject, ownership] : after.ownerships) {
            const auto was = before.ownerships.find(subject);
            if (was == before.ownerships.end()) continue;
            if (was->second.owner != ownership.owner && last_move(ownership) && last_move(ownership)->failover) {
                ++outcome_.marks["failover"];
                if (weather_ == Weather::calm) world_.violated("P1", "a failover though nothing was lost");
            }
            if (!was->second.move || ownership.move) continue;
            const MoveResult* last = last_move(ownership);
            const bool succeeded = last && last->id == was->second.move->id && last->succeeded;
            ++(succeeded ? outcome_.moves : outcome_.moves_failed);
            if (!succeeded) ++outcome_.marks[fmt::format("given up in {}", to_string(was->second.move->phase))];
        }
    }

    void draw_applications() {
        const int count = 1 + static_cast<int>(world_.draw(3));
        for (int i = 0; i < count; ++i) {
            Application application;
            application.name = ApplicationName{"app" + std::to_string(i)};
            application.image = "ledger:1";
            const auto port = static_cast<std::uint16_t>(7000 + i);
            const Protocol protocol = world_.chance(0.2) ? Protocol::udp : Protocol::tcp;
            application.ports = {{7000, port, protocol}};
            if (i == 0 || world_.chance(0.7)) {
                application.volume = Volume{DatasetId{"data" + std::to_string(i)}, "/data", std::nullopt, std::nullopt};
            }
            application.restart_policy.name = world_.chance(0.5) ? RestartPolicy::Name::always : RestartPolicy::Name::never;
            application.gate = world_.chance(0.8);
            if (world_.chance(0.3)) application.before_move = {"checkpoint"};
            if (world_.chance(0.2)) application.cutover = Cutover::freeze;
            if (world_.chance(0.4)) application.failover = Failover::automatic;
            if (application.volume && world_.chance(0.2)) application.volume->bandwidth = any_bandwidth();
            if (application.volume && world_.chance(0.6)) {
                application.volume->replicas = static_cast<std::uint32_t>(world_.draw(3));
            }
            applications_.push_back(application);
            clients_.push_back(std::make_unique<Clients>(cluster_, application.name, ExternalPort(port, protocol)));
        }
    }

    /// So that the clients' writes wait now and then.
    Bandwidth any_bandwidth() {
        const Bytes rate{40'000 + world_.draw(400'000)};
        const auto from = static_cast<std::uint32_t>(world_.draw(minutes_of_a_day));
        return {rate, {{from, (from + 1) % minutes_of_a_day, Bytes{rate.value * 4}}}};
    }

    void start() {
        cluster_.host("alder").engine.images.insert("ledger:1");
        cluster_.start_control();
        for (const auto& [name, host] : cluster_.hosts) host->start_agent();
        world_.run_until(world_.now() + 2s);
        if (world_.chance(0.3)) {
            ClusterSettings limited;
            limited.bandwidth = any_bandwidth();
            ask(protocol::Control::Configure{limited});
        }
        for (const Application& application : applications_) places_[application.name] = any_host();
        deploy();
        wait_until_settled("the first deployment", 60s);
        for (const auto& clients : clients_) clients->start();
    }

    void draw_faults() {
        if (weather_ != Weather::storm) return;
        const auto some = [&](double most) {
            return world_.chance(0.5) ? 0.0 : most * static_cast<double>(world_.draw(100)) / 100;
        };
        faults_.message_lost = some(0.15);
        faults_.message_late = some(0.2);
        faults_.message_repeated = some(0.2);
        faults_.receipt_lost = some(0.2);
        faults_.disk_full = some(0.1);
        faults_.engine_fails = some(0.1);
        faults_.commit_fails = some(0.1);
        faults_.commit_unknown = some(0.1);
        faults_.process_dies = some(0.08);
        faults_.node_dies = some(0.02);
        faults_.link_cut = some(0.05);
        faults_.process_freezes = some(0.05);
        faults_.copy_long = some(0.5);
        faults_.pool_short = some(0.03);
        faults_.stranger_acts = some(0.04);
    }

    // --- what users do --------------------------------------------------------------------------

    void name_replicas(const Application& application) {
        auto& named = named_[application.name];
        named.clear();
        if (!application.volume || application.volume->replicas || world_.chance(0.3)) return;
        for (std::uint64_t i = world_.draw(3); i > 0; --i) named.insert(any_host());
    }

    std::string any_host() {
        const auto names = cluster_.names();
        return names[world_.draw(names.size())];
    }

    void ask(protocol::Control::Command command, std::function<void(protocol::Control::Answer)> answer = {}) {
        if (!cluster_.control()) return;
        cluster_.control()->ask(std::move(command), [answer](protocol::Control::Answer said) {
            if (answer) answer(std::move(said));
        });
    }

    void deploy() {
        Deployment deployment;
        deployment.applications = applications_;
        for (const std::string& name : cluster_.names()) deployment.places[NodeReference{name}];
        for (const auto& [application, host] : places_) {
            if (!host.empty()) deployment.places[NodeReference{host}].push_back(application);
        }
        for (const Application& application : applications_) {
            const auto named = named_.find(application.name);
            if (named == named_.end() || named->second.empty() || places_[application.name].empty()) continue;
            // A node can't hold a replica of what it runs.
            auto& nodes = deployment.replicas[application.name];
            for (const std::string& node : named->second) {
                if (node != places_[application.name]) nodes.push_back(NodeReference{node});
            }
        }
        ask(protocol::Control::Deploy{deployment, false}, [this](const protocol::Control::Answer& answer) {
            if (const auto* refusals = std::get_if<std::vector<plan::Refusal>>(&answer)) {
                ++outcome_.marks["deployment refused"];
                if (weather_ == Weather::calm) {
                    world_.violated("P6", "a good deployment was refused: " + refusals->front().message);
                }
            }
        });
    }

    /// P6: what can't work is refused, and nothing changes by it.
    void deploy_nonsense() {
        if (!cluster_.control()) return;
        Deployment deployment;
        deployment.applications = applications_;
        deployment.places[NodeReference{"nowhere"}] = {applications_.front().name};
        if (world_.chance(0.5)) deployment.places[NodeReference{"alder"}] = {};
        const auto placed = [this] {
            std::map<std::string, std::string> where;
            for (const auto& [name, wanted] : cluster_.disk.records.configuration) where[name.value] = wanted.node.value;
            return where;
        };
        const auto before = placed();
        const auto answered = std::make_shared<bool>(false);
        const protocol::Control::Deploy deploy{deployment, false};
        ask(deploy, [this, before, placed, answered](const protocol::Control::Answer& answer) {
            *answered = true;
            if (std::holds_alternative<protocol::Control::Accepted>(answer)) {
                world_.violated("P6", "a deployment to a node that does not exist was accepted");
            } else if (weather_ == Weather::calm && placed() != before) {
                world_.violated("P6", "a refused deployment changed something");
            }
        });
    }

    void cancel_soon(const ApplicationName& application) {
        world_.at(world_.between(0ms, 6s), [this, application] {
            if (calm_) return;
            ask(protocol::Control::CancelMove{application}, [this](const protocol::Control::Answer& answer) {
                if (std::holds_alternative<protocol::Control::Accepted>(answer)) ++outcome_.marks["called off"];
            });
        });
    }

    void user_acts() {
        const std::uint64_t what = world_.draw(100);
        const Application& application = applications_[world_.draw(applications_.size())];
        if (world_.chance(0.2)) name_replicas(application);
        if (what < 60) {
            places_[application.name] = any_host();
            deploy();
        } else if (what < 75) {
            const std::string to = any_host();
            places_[application.name] = to;
            ask(protocol::Control::MoveTo{application.name, NodeReference{to}, false});
            if (world_.chance(0.2)) cancel_soon(application.name);
        } else if (what < 85) {
            places_[application.name].clear();
            removed_.insert(application.name);
            deploy();
        } else if (what < 88) {
            deploy_nonsense();
        } else if (what < 92) {
            fail_over(application.name);
        } else if (what < 94 && weather_ == Weather::storm) {
            drain_or_activate();
        } else if (what < 97) {
            remove_aside();
        } else {
            resize(application.name);
            deploy();
        }
        world_.at(world_.between(500ms, 8s), [this] {
            if (!calm_) user_acts();
        });
    }

    /// More than it ever holds.
    void resize(const ApplicationName& name) {
        const auto application = std::ranges::find(applications_, name, &Application::name);
        if (!application->volume) return;
        auto& size = application->volume->maximum_size;
        size = size ? std::optional<Bytes>{} : Bytes{1ULL << 30U};
    }

    /// An operator who has looked: the machine is down.
    void fail_over(const ApplicationName& application) {
        for (const auto& [subject, ownership] : cluster_.disk.records.ownerships) {
            if (ownership.application != application || cluster_.host(ownership.owner.value).powered()) continue;
            ask(protocol::Control::FailOver{application, std::nullopt, false});
        }
    }

    /// Something that was set aside somewhere, if there is any.
    void remove_aside() {
        for (const auto& [name, host] : cluster_.hosts) {
            for (const auto& [id, dataset] : host->pool.datasets()) {
                if (dataset.set_aside.empty()) continue;
                const SnapshotId aside = dataset.set_aside.begin()->first;
                return ask(protocol::Control::RemoveAside{id, aside, NodeReference{name}});
            }
        }
    }

    void drain_or_activate() {
        const NodeId node{any_host()};
        if (world_.chance(0.5)) {
            ask(protocol::Control::DrainNode{node, false});
        } else {
            ask(protocol::Control::ActivateNode{node});
        }
    }

    // --- faults ---------------------------------------------------------------------------------

    void trouble() {
        if (weather_ == Weather::control_away) {
            world_.at(20s, [this] { control_goes_away(); });
            return;
        }
        if (weather_ == Weather::cramped) {
            world_.at(20s, [this] { node_goes_away(); });
            return;
        }
        world_.at(1s, [this] {
            if (calm_) return;
            for (const auto& [name, host] : cluster_.hosts) trouble_at(*host);
            if (world_.chance(faults_.process_dies)) {
                cluster_.kill_control();
                const bool for_good = world_.chance(0.3);
                world_.at(world_.between(200ms, 10s), [this, for_good] {
                    if (for_good && cluster_.take_over(world_.draw(4))) ++outcome_.marks["takeover"];
                    if (!for_good && world_.chance(0.15) && cluster_.restore(1 + world_.draw(300))) ++outcome_.marks["restore"];
                    cluster_.start_control();
                });
            }
            const std::string a = any_host();
            const std::string b = world_.chance(0.3) ? "control" : any_host();
            if (a != b && world_.chance(faults_.link_cut)) {
                cluster_.network.cut(a, b);
                world_.at(world_.between(1s, 15s), [this, a, b] { cluster_.network.heal(a, b); });
            }
            trouble();
        });
    }

    void trouble_at(Host& host) {
        if (world_.chance(faults_.process_dies)) {
            host.kill_agent();
            world_.at(world_.between(100ms, 8s), [&host] { host.start_agent(); });
        }
        if (world_.chance(faults_.pool_short)) {
            host.pool.others = Bytes{host.pool.size.value / 100 * 97};
            world_.at(world_.between(1s, 25s), [&host] { host.pool.others = {}; });
        }
        if (world_.chance(faults_.stranger_acts)) host.stranger_acts();
        if (world_.chance(faults_.process_freezes)) host.freeze_agent(world_.between(500ms, 20s));
        if (world_.chance(faults_.node_dies)) {
            host.power_off();
            world_.at(world_.between(1s, 15s), [&host] { host.power_on(); });
        }
    }

    /// P7: what is settled goes on serving, even on a node whose agent is started anew meanwhile.
    void control_goes_away() {
        calm_ = true;
        settle();
        std::map<std::string, std::uint64_t> before;
        for (const auto& clients : clients_) before[clients->application().value] = clients->tally().acknowledged;
        cluster_.kill_control();
        for (const auto& [name, host] : cluster_.hosts) {
            if (!world_.chance(0.5)) continue;
            const bool whole = world_.chance(0.3);
            Host* at = host.get();
            whole ? at->power_off() : at->kill_agent();
            world_.at(2s, [at, whole] { whole ? at->power_on() : at->start_agent(); });
        }
        world_.at(10s, [this, before] {
            for (const auto& clients : clients_) {
                const std::string& name = clients->application().value;
                const auto wanted = cluster_.disk.records.configuration.find(clients->application());
                if (wanted == cluster_.disk.records.configuration.end()) continue;
                // Under a lease nobody serves without the control service.
                if (plan::failover_of(cluster_.disk.records, wanted->second.application) == Failover::automatic) continue;
                const bool recent = world_.now() - clients->tally().last_acknowledged < 4s;
                if (!recent) world_.violated("P7", name + " did not serve while the control service was away");
            }
            cluster_.start_control();
        });
    }

    /// A replica that does nothing fills no pool. Full copies over a slow link may then end again and again, until
    /// somebody gives the pools more room.
    void node_goes_away() {
        calm_ = true;
        settle();
        const auto resize = [this](Bytes size) {
            for (const auto& [name, host] : cluster_.hosts) host->pool.size = size;
        };
        const Bytes ample = cluster_.hosts.begin()->second->pool.size;
        resize(cramped_pool);
        Host& away = cluster_.host(any_host());
        away.power_off();
        world_.run_until(world_.now() + node_away);
        away.power_on();
        resize(ample);
        // A limit of bandwidth may leave no room for full copies beside what they write.
        for (const auto& clients : clients_) clients->rest();
    }

    void end_of_trouble() {
        calm_ = true;
        faults_ = Faults{};
        cluster_.network.heal();
        cluster_.start_control();
        for (const auto& [name, host] : cluster_.hosts) {
            host->power_on();
            host->start_agent();
            host->pool.others = {};
        }
        if (weather_ == Weather::storm && world_.chance(0.5)) {
            for (const auto& clients : clients_) clients->rest();
        }
        activate_all(20);
    }

    /// Asked again and again: the control service has just begun, and may not have its records yet.
    void activate_all(int times) {
        for (const auto& [name, host] : cluster_.hosts) ask(protocol::Control::ActivateNode{NodeId{name}});
        if (times > 0) world_.at(1s, [this, times] { activate_all(times - 1); });
    }

    void settle() {
        if (world_.violation().empty()) wait_until_settled("when all was calm", calm_lasts);
    }

    void wait_until_settled(const std::string& when, Duration limit) {
        const Instant end = world_.now() + limit;
        int steady = 0;
        while (world_.now() < end && world_.violation().empty()) {
            world_.run_until(world_.now() + 500ms);
            steady = converges_.unsettled().empty() ? steady + 1 : 0;
            if (steady == 4) return;
        }
        if (world_.violation().empty()) world_.violated("P5", "not settled " + when + ": " + converges_.unsettled());
    }

    Outcome finish() {
        if (world_.violation().empty()) nothing_lost_.at_end();
        for (const Event& event : cluster_.disk.events) {
            if (event.kind == EventKind::snapshots_let_go) ++outcome_.marks["replicas let go on a short pool"];
        }
        for (const auto& clients : clients_) outcome_.acknowledged += clients->tally().acknowledged;
        if (weather_ == Weather::calm) no_refusals();
        outcome_.violation = world_.violation();
        outcome_.digest = world_.digest();
        outcome_.story = world_.story();
        return std::move(outcome_);
    }

    /// P8 without faults: an application that is never taken out of the manifests refuses nobody.
    void no_refusals() {
        for (const auto& clients : clients_) {
            if (removed_.contains(clients->application()) || clients->tally().refused == 0) continue;
            const std::string& name = clients->application().value;
            world_.violated("P8", fmt::format("{} refused {} connections", name, clients->tally().refused));
        }
    }

    Weather weather_;
    World world_;
    Faults faults_;
    Cluster cluster_;
    std::vector<Application> applications_;
    std::map<ApplicationName, std::string> places_;  ///< Empty: not deployed.
    std::map<ApplicationName, std::set<std::string>> named_;  ///< For replicas; empty: none in particular.
    std::vector<std::unique_ptr<Clients>> clients_;
    bool calm_{false};
    std::set<ApplicationName> removed_;
    Outcome outcome_;

    OneWriter one_writer_{cluster_};
    NothingLost nothing_lost_{cluster_};
    LastCopyKept last_copy_kept_{cluster_};
    DivergedKept diverged_kept_{cluster_};
    DebtBounded debt_bounded_{cluster_};
    Converges converges_{cluster_};
    RightPlace right_place_{cluster_, one_writer_, weather_ != Weather::calm};
};

}  // namespace

Outcome run(std::uint64_t seed, Weather weather, bool keep_story) { return Scenario(seed, weather, keep_story).run(); }

}  // namespace flocker::sim
