// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "base/result.hpp"
#include "model/action.hpp"
#include "plan/room.hpp"
#include "protocol/convergence.hpp"
#include "protocol/feed.hpp"
#include "protocol/image_supply.hpp"

namespace flocker::protocol {

/// The agent: makes its node match its assignment, and reports what it observes.
///
/// Sans-IO. Holds what was last seen of the node; asks next_steps() for each subject after every
/// event; lets steps of different subjects run side by side and never two of the same lane. Feed
/// events, perform the effects in order, feed every outcome back, send Tick when deadline() is past.
class Agent {
public:
    struct Settings {
        model::NodeId node;
        std::string volumes;       ///< Where volumes are mounted: <volumes>/<dataset>.
        std::uint32_t first_address{0};   ///< IPv4, of the addresses that containers may get.
        std::uint32_t address_count{0};
        Instant started;           ///< When this agent process began.
        Instant booted;            ///< When the machine did: a container that ended before starts anew.
    };

    // --- events ---------------------------------------------------------------------------------
    struct Assigned { model::Assignment assignment; bool cached{false}; };
    struct PoolSeen { Result<std::vector<model::DatasetSeen>> datasets; };
    /// What FindChanged asked for.
    struct ChangedFound { std::vector<model::DatasetId> asked; Result<std::set<model::DatasetId>> changed; };
    /// Ports of this node that somebody listens on; that containers of others publish.
    struct TakenSeen { Result<std::vector<model::TakenPort>> ports; };
    struct PublishedSeen { std::vector<model::TakenPort> ports; };
    /// Something that somebody else did.
    struct StrangerFound { std::string subject; std::string text; };
    struct LeaseExtended { Instant until; Status outcome; };
    struct DatasetLooked { model::DatasetId dataset; Result<std::optional<model::DatasetSeen>> seen; };
    struct CapacitySeen { Bytes size; Bytes free; };
    struct EngineChanged {};  ///< The engine told that something may have happened.
    struct EngineSeen { Result<std::pair<std::vector<model::ContainerSeen>, std::set<std::string>>> engine; };
    struct DatasetDone { model::DatasetAction action; Result<std::optional<model::DatasetSeen>> outcome; };
    struct ContainerDone { model::ContainerAction action; Result<std::optional<model::ContainerSeen>> outcome; };
    struct ImageTried { std::string image; Status outcome; };
    struct HoldingsTold { model::DatasetId dataset; model::NodeId node; Result<Feed::Held> held; };
    struct Sent { model::SendOrder order; Result<model::SendReceipt> receipt; };
    struct SendProgressed { model::SendOrder order; model::SendProgress progress; };
    struct RoutesApplied { model::RouteTable table; Status outcome; };
    struct ReportDone { Result<model::ReportReceipt> outcome; };
    struct AssignmentSaved { model::Revision revision; Status outcome; };
    struct Received { model::DatasetId dataset; };  ///< A snapshot of it has arrived, or failed to.
    struct Tick {};
    using Event = std::variant<Assigned, PoolSeen, DatasetLooked, CapacitySeen, EngineChanged, EngineSeen, DatasetDone,
                               ContainerDone, ImageTried, HoldingsTold, Sent, SendProgressed, RoutesApplied, ReportDone,
                               AssignmentSaved, Received, ChangedFound, LeaseExtended, StrangerFound,
                               TakenSeen, PublishedSeen, Tick>;

    // --- effects --------------------------------------------------------------------------------
    struct ObservePool {};
    struct MeasurePool {};  ///< How much room it has.
    struct LookAtDataset { model::DatasetId dataset; };
    struct FindChanged { std::vector<model::DatasetId> datasets; };
    struct ExtendLease { Instant until; };
    struct ObserveEngine {};
    struct FindTaken {};
    struct DoToDataset { model::DatasetAction action; };
    struct DoToContainer { model::ContainerAction action; };
    struct FetchImage { std::string image; model::Node from; };
    struct PullImage { std::string image; };
    struct AskHoldings { model::Node node; model::DatasetId dataset; };
    struct SendSnapshot { model::SendOrder order; };
    struct ApplyRoutes { model::RouteTable table; };
    struct SendReport { model::NodeReport report; };
    struct SaveAssignment { model::Assignment assignment; };
    struct LimitSends { model::SendLimits limits; };
    using Effect = std::variant<ObservePool, MeasurePool, LookAtDataset, ObserveEngine, DoToDataset, DoToContainer,
                                FetchImage, PullImage, AskHoldings, SendSnapshot, ApplyRoutes, SendReport, SaveAssignment,
                                FindChanged, ExtendLease, LimitSends, FindTaken>;

    explicit Agent(Settings settings) : settings_(std::move(settings)) {}

    /// What to see first.
    [[nodiscard]] std::vector<Effect> begin();
    [[nodiscard]] std::vector<Effect> on(const Event& event, Instant now);
    /// When a Tick is due at the latest; ticks that come early or for nothing are harmless.
    [[nodiscard]] Instant deadline(Instant now) const;

    /// Whether the present assignment expects this snapshot from that node (ReplicaInbox::admit), and whether there
    /// is room for it if it is a `whole` one.
    [[nodiscard]] Status admit(const model::NodeId& from, const model::DatasetId& dataset, model::Epoch epoch,
                               const model::SnapshotId& to, bool whole) const;
    /// Whether it is a member by the present assignment (ReplicaInbox::knows).
    [[nodiscard]] Status knows(const model::NodeId& node) const;
    /// Whole snapshots that are here, oldest first, and the epoch.
    [[nodiscard]] const model::DatasetSeen* dataset_here(const model::DatasetId& dataset) const;

private:
    /// One subject's work under way, and its patience after failures.
    struct Lane {
        std::optional<model::DatasetAction> dataset;
        std::optional<model::ContainerAction> container;
        std::optional<model::ContainerAction> asking;  ///< See model::is_asking().
        Instant dataset_began;
        Instant container_began;
        Instant asking_began;
        unsigned failures{0};
        Instant failing_since;
        std::optional<Instant> rest_until;
        std::optional<Error> trouble;
        bool complained{false};  ///< `trouble` comes from a look at things, not from a try.
    };
    /// How an application's container fared, for its restart policy.
    struct Restarts {
        std::string container;  ///< A new container starts with a clean record.
        unsigned in_a_row{0};
        std::optional<Instant> exit_seen;  ///< The `finished` of the exit that the count includes.
        Instant next;
    };

    void assigned(const Assigned& event, Instant now);
    void note_cutovers(const model::Assignment& before, Instant now);
    void assignment_saved(const AssignmentSaved& event, Instant now);
    void pool_seen(const PoolSeen& event);
    void dataset_looked(const DatasetLooked& event);
    void changed_found(const ChangedFound& event, Instant now);
    void report_done(const ReportDone& event);
    void engine_seen(const EngineSeen& event, Instant now);
    void dataset_done(const DatasetDone& event, Instant now);
    void container_done(const ContainerDone& event, Instant now);
    void image_tried(const ImageTried& event, Instant now);
    void sent(const Sent& event, Instant now);
    void routes_applied(const RoutesApplied& event, Instant now);
    void found(const std::string& subject, const std::string& text, Instant now);
    void note_strangers(const std::vector<model::ContainerSeen>& containers, const std::set<std::string>& images, Instant now);
    void forget_incidents(Instant now);
    void taken_seen(const TakenSeen& event);
    [[nodiscard]] std::vector<model::TakenPort> taken_ports() const;
    /// It ended by what was done to it from outside: it starts again whatever its restart policy.
    [[nodiscard]] bool starts_anyway(const model::ContainerSeen& container) const;
    void hook_done(const std::string& subject, const Status& outcome, Instant now);
    void measure_routes(Instant now);
    /// How long a step took, for the move that the subject is in.
    void measure(const std::string& subject, model::MoveStep step, Instant began, Instant now);
    [[nodiscard]] bool is_assigned(const std::string& subject) const;
    [[nodiscard]] model::MoveId move_of(const std::string& subject) const;
    void put_dataset(const model::DatasetId& id, const std::optional<model::DatasetSeen>& seen);
    void put_container(model::ContainerSeen seen);

    void work(Instant now);
    void observe_if_due(Instant now);
    void work_on(const std::string& subject, const Sight& sight, Instant now);
    void begin_step(const std::string& subject, const Step& step, Instant now);
    void note_acknowledged(const std::string& subject, const model::DatasetId& dataset);
    void work_feeds(Instant now);
    /// A feed with all that it is worked from.
    struct Fed {
        const model::DatasetAssignment* assigned;
        const model::DatasetSeen* dataset;
        const model::Node* target;
        Feed* feed;
    };
    void limit_sends();
    void give_turns(const std::vector<Fed>& all, Instant now);
    void work_feed(const Fed& fed, bool turn, Instant now);
    [[nodiscard]] Feed::Pace pace_of(const Fed& fed, bool turn) const;
    void work_looks(Instant now);
    void room_seen(const CapacitySeen& event, Instant now);
    void work_room(Instant now);
    void let_one_go(Instant now);
    void add_pins(const model::DatasetAssignment& assigned, const model::DatasetSeen& dataset,
                  std::vector<plan::Pin>& pins) const;
    [[nodiscard]] bool is_let_go(const model::DatasetId& dataset, const model::NodeId& to) const;
    /// Nobody is sent anything of it: the owner's newest snapshot is of no use.
    [[nodiscard]] bool newest_goes(const model::DatasetAssignment& assigned) const;
    /// It has acknowledged some, of this owner.
    [[nodiscard]] bool had_snapshots(const model::DatasetId& dataset, const model::NodeId& to) const;
    [[nodiscard]] std::string let_go_text(const model::DatasetId& dataset, const model::NodeId& to) const;
    void work_lease(Instant now);
    void keep_leased(model::RouteTable& table) const;
    [[nodiscard]] bool is_given_away(const model::ContainerSeen& container) const;
    void work_images(Instant now);
    void work_routes(Instant now);
    void report(Instant now);

    [[nodiscard]] Sight sight(const std::string& subject, const model::DatasetAssignment* dataset,
                              const model::ApplicationAssignment* application, const model::ContainerSeen* container,
                              Instant now);
    /// All but the address, which the fingerprint leaves out.
    [[nodiscard]] model::ContainerSpec spec_of(const model::ApplicationAssignment& application) const;
    [[nodiscard]] std::string address_for(const model::ApplicationName& application);
    [[nodiscard]] bool start_allowed(const model::ApplicationAssignment& application, const model::ContainerSeen& container,
                                     Instant now);
    /// By the routes in force, no new client reaches its container.
    [[nodiscard]] bool ports_closed(const model::Application& application) const;
    [[nodiscard]] bool is_leased_in_kernel(const model::Application& application) const;
    [[nodiscard]] bool strangers_gone() const;
    [[nodiscard]] bool is_open(const model::ApplicationAssignment& application) const;
    [[nodiscard]] bool is_starting(const model::ApplicationAssignment& application) const;
    [[nodiscard]] model::NodeReport observed() const;
    [[nodiscard]] model::NodeReport news_of(model::NodeReport report) const;
    [[nodiscard]] std::vector<model::Problem> problems() const;

    [[nodiscard]] const model::DatasetAssignment* dataset_assignment(const model::DatasetId& dataset) const;
    [[nodiscard]] const model::ApplicationAssignment* application_assignment(const model::ApplicationName& name) const;
    [[nodiscard]] const model::ApplicationAssignment* application_of_subject(const std::string& subject) const;
    [[nodiscard]] const model::ApplicationAssignment* application_on(const model::DatasetId& dataset) const;
    [[nodiscard]] const model::ContainerSeen* container_of(const model::ApplicationName& name) const;
    [[nodiscard]] const model::Node* member(const model::NodeId& id) const;
    [[nodiscard]] std::string own_name() const;
    static void failed(Lane& lane, const Error& error, Instant now);
    static void worked(Lane& lane);

    Settings settings_;
    std::optional<model::Assignment> assignment_;
    std::map<model::DatasetId, model::ApplicationName> volumes_;  ///< By the assignment: whose they are.
    bool fresh_{false};  ///< The assignment came from the control service in this process' life.
    model::Revision saved_;      ///< Of the newest assignment that is in the cache.
    bool saving_{false};
    Instant save_retry_;
    std::optional<Error> save_trouble_;
    std::optional<model::Revision> refused_;  ///< Of an assignment that is older than what was seen before.

    bool pool_known_{false};
    bool engine_known_{false};
    std::optional<Error> pool_trouble_;
    std::optional<Error> engine_trouble_;
    std::map<model::DatasetId, model::DatasetSeen> datasets_;
    std::map<model::ApplicationName, model::ContainerSeen> containers_;
    std::set<std::string> images_;
    std::set<model::DatasetId> synced_trials_;
    std::set<model::DatasetId> empty_volumes_;  ///< Made by this process; nothing has become ready on them yet.
    std::set<std::string> assumed_ready_;  ///< Containers that ran before this process did.
    std::map<model::ApplicationName, std::string> addresses_;
    Bytes pool_size_;
    Bytes pool_free_;
    std::optional<Instant> pool_short_since_;
    Instant room_due_;
    /// For which replicas of a dataset no snapshot is kept while the pool is short, and whether the newest one is.
    struct LetGo { std::set<model::NodeId> replicas; bool newest{false}; };
    std::map<model::DatasetId, LetGo> let_go_;
    Instant next_goes_;

    std::map<std::string, Lane> lanes_;
    std::map<model::ApplicationName, Restarts> restarts_;
    /// When a cutover was heard of that waits for its routes: a hold at the source, an opening at the target.
    struct RoutesAwaited { model::MoveId move; model::MoveStep step; Instant since; };
    std::map<std::string, RoutesAwaited> routes_awaited_;
    std::map<std::pair<std::string, model::MoveStep>, model::StepSeen> steps_;
    using FeedKey = std::pair<model::DatasetId, model::NodeId>;
    std::map<FeedKey, Feed> feeds_;
    model::SendLimits send_limits_;  ///< In force.
    std::map<std::string, ImageSupply> image_supplies_;
    std::map<FeedKey, model::SnapshotId> to_note_;
    bool looking_{false};  ///< FindChanged is under way.
    Instant look_began_;
    std::uint64_t look_touch_{0};
    Instant look_due_;

    // The lease: see lease_duration. It is in force in the kernel; here it says what may be started.
    Instant report_made_;         ///< The report under way.
    Instant lease_until_;
    Instant lease_in_kernel_;     ///< How far the kernel's was extended, or is being.
    bool lease_runs_{false};
    bool lease_may_come_{false};  ///< This process has just begun, and has not been granted one yet.
    std::optional<Error> lease_trouble_;
    std::map<std::string, Instant> starts_anyway_;  ///< Container, and when the run of it began that this is about.

    // A look at things that began before an action ended tells of the time before: it must not undo
    // what the action's own outcome said.
    std::uint64_t touch_{0};
    std::map<model::DatasetId, std::uint64_t> touched_datasets_;
    std::map<model::ApplicationName, std::uint64_t> touched_containers_;
    std::uint64_t pool_look_{0};
    std::uint64_t engine_look_{0};
    struct DatasetLook { std::uint64_t touch; Instant began; };
    std::map<model::DatasetId, DatasetLook> dataset_looks_;
    bool engine_look_again_{false};

    std::optional<model::RouteTable> routes_in_force_;
    std::optional<model::RouteTable> routes_under_way_;
    std::optional<Error> routes_trouble_;
    Instant routes_retry_;

    std::vector<model::TakenPort> listened_;   ///< Ports of this node that somebody listens on.
    std::vector<model::TakenPort> published_;  ///< Those that containers of others publish.
    bool finding_taken_{false};
    struct Shown { std::string subject; std::string text; Instant since; Instant last; };
    std::vector<Shown> shown_;
    std::vector<model::Incident> incidents_;
    std::uint64_t incident_number_{0};
    std::uint64_t incident_reported_{0};  ///< The last one in the report under way.

    std::optional<model::NodeReport> last_news_;  ///< Of the last report: news_of().
    std::optional<model::NodeReport> acknowledged_news_;
    bool report_under_way_{false};
    std::uint64_t report_sequence_{0};
    Instant report_due_;
    Instant observe_due_;
    bool observing_pool_{false};
    bool observing_engine_{false};
    std::vector<Effect> effects_;
};

}  // namespace flocker::protocol
