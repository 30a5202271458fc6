// SPDX-License-Identifier: Apache-2.0
//
// Who may write one dataset, on two nodes: records, assignments, seals, trials, commits, leases, failovers.
// run.py has what is checked in which bounds, and what must be found when a rule is broken.
//
// Everything that can happen is a rule, `guard -> effect`, done in one step. Messages may be late, repeated or lost,
// since nothing obliges a rule to be taken. CALM adds the other half: from every state that can be reached faults stop,
// whoever is alive takes its turns, and the system must end well. Each BREAK_ takes one rule away.

// --- bounds and variants -------------------------------------------------------------------------

#ifndef WRITES
#define WRITES 2
#endif
#ifndef MOVES
#define MOVES 1
#endif
#ifndef FAILOVERS
#define FAILOVERS 1
#endif
#ifndef CRASHES   // of an agent, a node, or the control service
#define CRASHES 1
#endif
#ifndef STALES    // assignments that come once more after a newer one was heard, or that a crash brings back
#define STALES 1
#endif

// AUTOMATIC: failover by the lease. MANUAL_DEAD: by an operator; the lost node is off, and before it does anything else
// it has heard the newest assignment and put it on its disk. MANUAL_RASH: by an operator at any time; it is not claimed
// then that there is one writer, but everything else is.
#if !defined(AUTOMATIC) && !defined(MANUAL_DEAD) && !defined(MANUAL_RASH)
#define AUTOMATIC
#endif

// LATE: reports and receipts take time and get lost, and the control service's clock gains at most a tick on the nodes'
// in the life of a lease. Without: leases are renewed in one step, and all clocks are equal.
#ifdef LATE
#define LEASE 2   // Ticks.
#else
#define LEASE 1
#endif
#if !defined(LATE) || defined(BREAK_LEASE_MARGIN)
#define SILENCE LEASE
#else
#define SILENCE (LEASE + 1)
#endif

// SWITCH, with AUTOMATIC: it was manual at first, and is set to automatic at some time.

#define OTHER(n) (1 - (n))

// --- the records: durable ------------------------------------------------------------------------

// Staging and settling do nothing here: replicas are fed all the time, and either may end at any time.
#define IDLE 0
#define SEALING 1
#define TRIAL 2

// A snapshot is its content: a set of writes. So is the owner's copy.
byte owner = 0, epoch = 1, phase = IDLE, revision = 1;
byte move = 0;        // The last one that was begun.
byte won_by = 0;      // The move that made the owner the owner; 0: a failover, or the beginning.
byte sealed = 0;      // From TRIAL on.
byte began_from = 0;  // By the present owner.

#ifdef SWITCH
bit automatic = 0;
bit confirmed = 0;    // The owner serves under its lease, and will after a crash.
#else
#define automatic 1
#endif
// The owner has to make its copy, if it has not yet.
#define promoting (won_by == 0 && epoch > 1)

// --- the control service: forgotten when it restarts -----------------------------------------------

byte silence[2];      // Ticks since it gave the node a lease, or since it started.
bit under_way = 0;    // A failover has been decided; its commit is not known to be written.
byte takes_from = 0;  // The snapshot of that failover.

// --- the nodes ---------------------------------------------------------------------------------------

#define NONE 0        // Snapshots only.
#define LIVE 1        // The owner's copy.
#define SEALED 2
#define TRYING 3      // A trial.

typedef Assignment { byte revision; byte duty; byte epoch; byte move; byte from; bit make; bit leased }
#define SERVE 0
#define SEAL 1
#define RECEIVE 2
#define TRY 3

bit up[2] = 1;        // The machine.
bit agent[2] = 1;     // Its agent.
// On the pool: survives everything.
byte copy[2], data[2], snap[2], aside[2], marker[2] = 1;
byte seal_or_trial_of[2], told[2];
// In the engine and the kernel: survives the agent.
bit running[2];       // The container's command has begun.
#ifdef SWITCH
bit guarded[2];       // The kernel asks for the lease.
#endif
bit open[2];          // Its port leads to it. One that runs is reached by open connections until it stops.
byte lease_age[2] = LEASE;  // Of the report that the lease in force was granted for; LEASE: it has run out.
// In the agent.
Assignment heard[2];
bit fresh[2];         // Heard from the control service, not read from the disk.

// An older assignment, still on a disk or on its way.
Assignment older;
byte older_of = 2;

// --- a report, and its receipt ------------------------------------------------------------------------

// One at a time a node; one that is too old to give a lease is none. Here they only carry leases: what the control
// service decides by it looks up in the nodes, for what it asks for there is stable until its next commit.
#define NOTHING 0
#define SENT 1        // Made knowing the newest revision; what is outdated gives no lease.
#define GRANTED 2     // Answered with a lease.
#define HELD 3        // The agent has got the lease and has not told the kernel yet.
#ifdef LATE
byte report[2], report_age[2];
#endif

// --- what is counted, and what a checker knows -------------------------------------------------------

byte failovers = 0, crashes = 0, stales = 0;
bit over = 0;
bit gained = 0;       // The control service's clock gained a tick since it heard the owner.
byte written = 0;     // All writes; they are numbered, so it is 2^n - 1.
byte owed = 0;        // Acknowledged, and not given up by a failover since.

#ifdef AUTOMATIC
#ifdef SWITCH
#define leased(n) (lease_age[n] < LEASE || !guarded[n])
#else
#define leased(n) (lease_age[n] < LEASE)
#endif
#else
#define leased(n) 1
#endif
#define acknowledges(n) (up[n] && running[n] && open[n] && (copy[n] == LIVE || copy[n] == TRYING) && leased(n))
#define is_the_owners_copy(n) \
    (owner == n && ((copy[n] == LIVE && marker[n] == epoch) || \
                    (copy[n] == TRYING && won_by != 0 && seal_or_trial_of[n] == won_by)))

// What is claimed, by names that an error then shows.
bit p1_who_answers_is_the_owner = 1, p1_one_writable_copy_an_epoch = 1, p2_nothing_acknowledged_is_lost = 1,
    p4_every_write_is_kept = 1, it_ends_well = 1;

inline check() {
#ifndef MANUAL_RASH
    p1_who_answers_is_the_owner =
        (!acknowledges(0) || is_the_owners_copy(0)) && (!acknowledges(1) || is_the_owners_copy(1));
    assert(p1_who_answers_is_the_owner);
#endif
    p1_one_writable_copy_an_epoch = !(copy[0] == LIVE && copy[1] == LIVE && marker[0] == marker[1]);
    assert(p1_one_writable_copy_an_epoch);
    p4_every_write_is_kept = (written & ~(data[0] | snap[0] | aside[0] | data[1] | snap[1] | aside[1])) == 0;
    assert(p4_every_write_is_kept)
}

// --- assignments ---------------------------------------------------------------------------------------

#define cutover (phase == SEALING || phase == TRIAL)

inline put(to, from_) {
    to.revision = from_.revision; to.duty = from_.duty; to.epoch = from_.epoch; to.move = from_.move;
    to.from = from_.from; to.make = from_.make; to.leased = from_.leased
}

inline forget_older() {
    older_of = 2; older.revision = 0; older.duty = 0; older.epoch = 0; older.move = 0; older.from = 0; older.make = 0;
    older.leased = 0
}

inline assign(n) {
    heard[n].revision = revision;
    heard[n].epoch = epoch;
    heard[n].move = 0;
    heard[n].from = 0;
    heard[n].make = 0;
    heard[n].leased = automatic;
    if
    :: owner == n && cutover -> heard[n].duty = SEAL; heard[n].move = move
    :: owner == n && !cutover ->
        heard[n].duty = SERVE; heard[n].move = won_by; heard[n].make = promoting;
        if :: promoting -> heard[n].from = began_from :: else fi
    :: owner != n && phase == TRIAL -> heard[n].duty = TRY; heard[n].move = move; heard[n].from = sealed
    :: owner != n && phase != TRIAL -> heard[n].duty = RECEIVE; heard[n].from = began_from
    fi;
    fresh[n] = 1;
    if :: older_of == n && crashes == CRASHES && stales == STALES -> forget_older() :: else fi
}

// Printed by `run.py story`.
#define says(n, text) printf(text, 'A' + n)
#define hears(n) printf("  %c hears revision %d: duty %d, epoch %d, move %d\n", 'A' + n, heard[n].revision, \
    heard[n].duty, heard[n].epoch, heard[n].move)
#define decides(text) printf(text); printf(": revision %d, owner %c, epoch %d\n", revision, 'A' + owner, epoch)

// --- the agent -------------------------------------------------------------------------------------------

#define on(n) (up[n] && agent[n])
#define is_current(n) (fresh[n] && heard[n].revision == revision)
#define duty(n) heard[n].duty
// A seal, and a trial as well, names the revision that it rests on; nothing older undoes it.
#ifdef BREAK_SEAL_REVISION
#define rests_on_newer(n) (copy[n] == TRYING && told[n] > heard[n].revision)
#elif defined(BREAK_TRIAL_REVISION)
#define rests_on_newer(n) (copy[n] == SEALED && told[n] > heard[n].revision)
#else
#define rests_on_newer(n) (told[n] > heard[n].revision)
#endif
#define heeds(n) (on(n) && fresh[n] && !rests_on_newer(n))
#define won_trial(n) (copy[n] == TRYING && heard[n].move != 0 && seal_or_trial_of[n] == heard[n].move)
#define is_owners(n) (copy[n] == LIVE || copy[n] == SEALED)

// BREAK: a committed trial takes clients before the pool says that it is the dataset.
#ifdef BREAK_OPEN_BEFORE_ADOPTION
#define may_open(n) (running[n] && duty(n) == SERVE && \
    ((copy[n] == LIVE && marker[n] == heard[n].epoch) || won_trial(n)))
#else
#define may_open(n) (running[n] && duty(n) == SERVE && copy[n] == LIVE && marker[n] == heard[n].epoch)
#endif

// BREAK: a trial's container starts although a port that was open once has not been closed yet.
#ifdef BREAK_TRIAL_BEHIND_OPEN_PORT
#define closed(n) 1
#else
#define closed(n) (!open[n])
#endif

#define must_stop(n) (running[n] && heeds(n) && \
    ((duty(n) == SERVE && copy[n] == TRYING && !won_trial(n)) || \
     (duty(n) == SEAL && copy[n] == LIVE && marker[n] == heard[n].epoch) || \
     (duty(n) == RECEIVE && (copy[n] == TRYING || (is_owners(n) && marker[n] < heard[n].epoch))) || \
     (duty(n) == TRY && copy[n] == TRYING && seal_or_trial_of[n] != heard[n].move) || \
     (duty(n) == TRY && is_owners(n) && marker[n] < heard[n].epoch)))

#define must_start(n) (!running[n] && on(n) && \
    ((duty(n) == SERVE && copy[n] == LIVE && marker[n] == heard[n].epoch) || \
     (duty(n) == TRY && heeds(n) && copy[n] == TRYING && seal_or_trial_of[n] == heard[n].move && closed(n))))

#define must_seal(n) (heeds(n) && duty(n) == SEAL && !running[n] && marker[n] == heard[n].epoch && \
    (copy[n] == LIVE || (copy[n] == SEALED && seal_or_trial_of[n] != heard[n].move)))
#define must_unseal(n) (heeds(n) && duty(n) == SERVE && copy[n] == SEALED && marker[n] <= heard[n].epoch)
#define must_adopt(n) (heeds(n) && duty(n) == SERVE && won_trial(n) && marker[n] <= heard[n].epoch)
#define must_discard(n) (heeds(n) && !running[n] && copy[n] == TRYING && \
    ((duty(n) == SERVE && !won_trial(n) && marker[n] <= heard[n].epoch) || duty(n) == RECEIVE))
#ifdef BREAK_PROMOTE_FROM_THE_PAST
#define not_past(n) 1
#else
#define not_past(n) (marker[n] < heard[n].epoch)
#endif
#define must_promote(n) (heeds(n) && duty(n) == SERVE && copy[n] == NONE && heard[n].make && \
    snap[n] == heard[n].from && not_past(n))
#ifdef BREAK_TRIAL_OF_ANOTHER_SNAPSHOT
#define has_sealed(n) 1
#else
#define has_sealed(n) (snap[n] == heard[n].from)
#endif
#define must_try(n) (heeds(n) && duty(n) == TRY && !running[n] && has_sealed(n) && \
    (copy[n] == NONE || (copy[n] == TRYING && seal_or_trial_of[n] != heard[n].move)))
#define must_demote(n) (heeds(n) && (duty(n) == RECEIVE || duty(n) == TRY) && !running[n] && is_owners(n) && \
    marker[n] < heard[n].epoch)

// A replica writes to its pool what epoch it is told.
#ifdef BREAK_MARKER_OF_REPLICA
#define must_note(n) 0
#else
#define must_note(n) (heeds(n) && duty(n) == RECEIVE && copy[n] == NONE && marker[n] < heard[n].epoch)
#endif

inline stop(n) {
    running[n] = 0;
    if :: duty(n) == SEAL -> open[n] = 0 :: else fi
}
inline seal(n) { copy[n] = SEALED; seal_or_trial_of[n] = heard[n].move; told[n] = heard[n].revision }
inline unseal(n) { copy[n] = LIVE; seal_or_trial_of[n] = 0; told[n] = 0 }
inline adopt(n) { copy[n] = LIVE; marker[n] = heard[n].epoch; seal_or_trial_of[n] = 0; told[n] = 0 }
inline discard(n) { copy[n] = NONE; data[n] = 0; seal_or_trial_of[n] = 0; told[n] = 0 }
inline promote(n) {
    copy[n] = LIVE; data[n] = heard[n].from; marker[n] = heard[n].epoch;
    owed = owed & data[n]
}
inline try(n) { copy[n] = TRYING; data[n] = snap[n]; seal_or_trial_of[n] = heard[n].move; told[n] = heard[n].revision }
inline demote(n) {
    if
#ifdef BREAK_SET_ASIDE
    :: skip
#elif defined(BREAK_SET_ASIDE_SEALED)
    :: copy[n] == SEALED
    :: copy[n] != SEALED && data[n] != heard[n].from -> aside[n] = aside[n] | data[n]
    :: copy[n] != SEALED && data[n] == heard[n].from
#else
    :: data[n] != heard[n].from -> aside[n] = aside[n] | data[n]
    :: data[n] == heard[n].from
#endif
    fi;
    if :: duty(n) == RECEIVE -> snap[n] = heard[n].from :: else fi;
    copy[n] = NONE; data[n] = 0; seal_or_trial_of[n] = 0; told[n] = 0; marker[n] = heard[n].epoch
}

#ifdef SWITCH
#define guard(n) guarded[n] = heard[n].leased
#define GUARD(n) :: on(n) && open[n] && duty(n) == SERVE && guarded[n] != heard[n].leased -> guard(n)
#else
#define guard(n) skip
#define GUARD(n)
#endif

#define STEPS(n) \
    :: must_stop(n) -> stop(n); says(n, "  %c stops its container\n") \
    :: must_start(n) -> running[n] = 1; says(n, "  %c starts its container\n") \
    :: must_seal(n) -> seal(n); says(n, "  %c seals\n") \
    :: must_unseal(n) -> unseal(n); says(n, "  %c unseals\n") \
    :: must_adopt(n) -> adopt(n); says(n, "  %c adopts its trial\n") \
    :: must_discard(n) -> discard(n); says(n, "  %c discards its trial\n") \
    :: must_promote(n) -> promote(n); says(n, "  %c promotes its snapshot\n") \
    :: must_try(n) -> try(n); says(n, "  %c begins a trial\n") \
    :: must_demote(n) -> demote(n); says(n, "  %c steps down\n") \
    :: must_note(n) -> marker[n] = heard[n].epoch \
    :: on(n) && !open[n] && may_open(n) -> open[n] = 1; guard(n); says(n, "  %c opens its port\n") \
    :: on(n) && open[n] && !running[n] && !may_open(n) -> open[n] = 0; says(n, "  %c closes its port\n") \
    GUARD(n)

// Snapshots go from the owner's copy to the other node, which takes them from its owner only.
#define may_feed(n, m) (on(n) && fresh[n] && is_owners(n) && (duty(n) == SERVE || duty(n) == SEAL) && \
    marker[n] == heard[n].epoch && on(m) && fresh[m] && (duty(m) == RECEIVE || duty(m) == TRY) && \
    heard[m].epoch == heard[n].epoch && !is_owners(m) && marker[m] <= heard[m].epoch && snap[m] != data[n])
inline feed(n, m) { snap[m] = data[n]; marker[m] = heard[m].epoch }

// BREAK: whoever has heard the newest assignment gets a lease, though its container runs until it has been stopped.
#ifdef BREAK_LEASE_FOR_ALL
#define takes_lease(n) 1
#else
#define takes_lease(n) (fresh[n] && duty(n) == SERVE)
#endif
#ifdef BREAK_LEASE_WHEN_OUTDATED
#define may_report(n) (on(n) && takes_lease(n))
#else
#define may_report(n) (on(n) && is_current(n) && takes_lease(n))
#endif
#ifdef LATE
inline extend_lease(n) {
#ifdef BREAK_LEASE_FROM_ARRIVAL
    lease_age[n] = 0;
#else
    if :: report_age[n] < lease_age[n] -> lease_age[n] = report_age[n] :: else fi;
#endif
    report[n] = NOTHING; report_age[n] = 0
}
#endif

// --- the control service -----------------------------------------------------------------------------------

#define candidate OTHER(owner)
// It has no owner's copy, and its pool knows of the present epoch: nothing older makes it an owner any more.
#ifdef BREAK_FAILOVER_TO_OUTDATED
#define stepped_down (!is_owners(candidate))
#else
#define stepped_down (!is_owners(candidate) && marker[candidate] == epoch)
#endif
#ifdef BREAK_FAILOVER_TO_OLD_OWNER
#define is_candidate 1
#define best_snapshot (is_owners(candidate) -> data[candidate] : snap[candidate])
#else
#define is_candidate stepped_down
#define best_snapshot snap[candidate]
#endif

// A new revision: a report that is on its way is of the past.
inline committed() {
    revision++;
#if defined(LATE) && !defined(BREAK_LEASE_WHEN_OUTDATED)
    if :: report[0] == SENT -> report[0] = NOTHING; report_age[0] = 0 :: else fi;
    if :: report[1] == SENT -> report[1] = NOTHING; report_age[1] = 0 :: else fi
#endif
}

#ifdef BREAK_RECEIPT_DURING_COMMIT
#define may_grant(n) 1
#else
#define may_grant(n) (!(under_way && owner == n))
#endif
inline hear_of(n) {
    if :: failovers < FAILOVERS -> silence[n] = 0; gained = 0 :: else fi
}

#define is_serving (copy[owner] == LIVE && marker[owner] == epoch)
#define may_seal (phase == IDLE && move < MOVES && is_serving && is_candidate)
#define is_sealed (phase == SEALING && copy[owner] == SEALED && seal_or_trial_of[owner] == move)
#define is_ready (phase == TRIAL && copy[candidate] == TRYING && seal_or_trial_of[candidate] == move)
// What was to be promoted has gone, and nothing newer comes: this node receives no more.
#define is_without (promoting && is_current(owner) && copy[owner] == NONE && marker[owner] < epoch && \
    snap[owner] != began_from)

inline start_move() { move++; phase = SEALING; committed() }
inline start_trial() { sealed = data[owner]; phase = TRIAL; committed() }
inline give_up() { phase = IDLE; sealed = 0; committed() }
inline commit_move() {
    p2_nothing_acknowledged_is_lost = (owed & ~data[candidate]) == 0;
    assert(p2_nothing_acknowledged_is_lost);
    owner = candidate; epoch++; won_by = move; began_from = sealed; sealed = 0; phase = IDLE;
    committed()
}
inline commit_failover() {
    owner = candidate; epoch++; won_by = 0; began_from = takes_from; phase = IDLE; sealed = 0;
    under_way = 0; takes_from = 0; committed()
}
inline choose_again() { began_from = snap[owner]; committed() }

#if defined(SWITCH) && !defined(BREAK_SWITCH_UNCONFIRMED)
#define is_lost (silence[owner] >= SILENCE && confirmed)
#elif defined(SWITCH)
#define is_lost (silence[owner] >= SILENCE && automatic)
#elif defined(AUTOMATIC)
#define is_lost (silence[owner] >= SILENCE)
#elif defined(MANUAL_DEAD)
#define is_lost (!up[owner])
#else
#define is_lost 1
#endif

// --- time ----------------------------------------------------------------------------------------------------

inline age(n) {
#ifdef LATE
    if
    :: report[n] == SENT || report[n] == GRANTED ->
        report_age[n]++;
        if :: report_age[n] == LEASE -> report[n] = NOTHING; report_age[n] = 0 :: else fi
    :: else
    fi;
#endif
    if :: lease_age[n] < LEASE -> lease_age[n]++ :: else fi
}
#ifdef LATE
#define on_its_way (report[0] != NOTHING || report[1] != NOTHING)
#else
#define on_its_way 0
#endif
inline grow_silence() {
    if :: silence[0] < SILENCE -> silence[0]++ :: else fi;
    if :: silence[1] < SILENCE -> silence[1]++ :: else fi
}
#define is_growing (silence[0] < SILENCE || silence[1] < SILENCE)
inline tick() {
    age(0); age(1);
    grow_silence()
}

// --- faults ----------------------------------------------------------------------------------------------------

inline agent_gone(n) {
    agent[n] = 0; fresh[n] = 0;
#ifdef LATE
    report[n] = NOTHING; report_age[n] = 0;
#endif
    if
    :: true
    :: older_of == n && older.revision < heard[n].revision -> put(heard[n], older)
    fi
}
inline node_gone(n) { agent_gone(n); up[n] = 0; running[n] = 0; open[n] = 0; lease_age[n] = LEASE }
#ifdef BREAK_SILENCE_SURVIVES_RESTART
#define may_forget 1
#else
#define may_forget (under_way || silence[0] > 0 || silence[1] > 0)
#endif
inline control_gone() {
    under_way = 0; takes_from = 0;
#ifdef BREAK_SILENCE_SURVIVES_RESTART
    silence[0] = SILENCE; silence[1] = SILENCE;
#else
    silence[0] = 0; silence[1] = 0;
#endif
    gained = 0
}

// --- everything that can happen -----------------------------------------------------------------------------------

proctype Node(byte n) provided (!over) {
    do
#ifdef SWITCH
    // The newer one is on the disk.
    :: d_step { on(n) && older_of == n && older.revision < heard[n].revision -> forget_older() }
#endif
    :: atomic { if STEPS(n) fi; check() }
    :: atomic { may_feed(n, OTHER(n)) -> feed(n, OTHER(n)); says(n, "  %c sends its snapshot\n"); check() }
    :: d_step { on(n) && (heard[n].revision < revision || !fresh[n]) -> assign(n); hears(n); check() }
    :: d_step { on(n) && heard[n].revision < revision && stales < STALES ->
            stales++; older_of = n; put(older, heard[n]); assign(n); hears(n); check() }
    :: d_step { on(n) && older_of == n && older.revision >= heard[n].revision &&
            !(fresh[n] && older.revision == heard[n].revision) ->
            put(heard[n], older); fresh[n] = 1; hears(n); check() }
#if defined(AUTOMATIC) && !defined(LATE)
    :: d_step { may_report(n) && may_grant(n) && (lease_age[n] > 0 || (failovers < FAILOVERS && silence[n] > 0)) ->
            lease_age[n] = 0; hear_of(n); says(n, "  %c renews its lease\n"); check() }
#endif
#if defined(AUTOMATIC) && defined(LATE)
    :: d_step { may_report(n) -> report[n] = SENT; report_age[n] = 0; says(n, "  %c reports\n") }
    :: d_step { report[n] == SENT && may_grant(n) ->
            report[n] = GRANTED; hear_of(n); says(n, "  %c is granted a lease\n") }
#ifdef BREAK_STALL_BEFORE_KERNEL
    :: d_step { on(n) && report[n] == GRANTED && takes_lease(n) ->
            report[n] = HELD; says(n, "  %c has got its lease\n") }
    :: d_step { on(n) && report[n] == HELD -> extend_lease(n); says(n, "  %c extends its lease\n"); check() }
#else
    :: d_step { on(n) && report[n] == GRANTED && takes_lease(n) ->
            extend_lease(n); says(n, "  %c extends its lease\n"); check() }
#endif
#endif
    :: d_step { written < (1 << WRITES) - 1 && up[n] && running[n] && open[n] &&
            (copy[n] == LIVE || copy[n] == TRYING) ->
            data[n] = data[n] | (written + 1);
            if
            :: acknowledges(n) && is_the_owners_copy(n) ->
                owed = owed | (written + 1); says(n, "  %c takes a write and acknowledges it\n")
            :: else -> says(n, "  %c takes a write\n")
            fi;
            written = 2 * written + 1; check() }
    :: atomic { on(n) && crashes < CRASHES -> crashes++; agent_gone(n); says(n, "  %c loses its agent\n"); check() }
    :: atomic { up[n] && crashes < CRASHES -> crashes++; node_gone(n); says(n, "  %c crashes\n"); check() }
#if defined(MANUAL_DEAD) && !defined(BREAK_BOOT_FROM_CACHE)
    :: d_step { !up[n] && !under_way ->
            up[n] = 1; agent[n] = 1; assign(n); says(n, "  %c boots\n");
            if :: older_of == n -> forget_older() :: else fi;
            check() }
#else
    :: d_step { !up[n] -> up[n] = 1; says(n, "  %c boots\n"); check() }
#endif
    :: d_step { up[n] && !agent[n] -> agent[n] = 1; says(n, "  %c has its agent back\n"); check() }
    od
}

proctype Control() provided (!over) {
    do
    :: d_step { !under_way && may_seal -> start_move(); decides("control has it sealed"); check() }
    :: d_step { !under_way && is_sealed -> start_trial(); decides("control has it tried"); check() }
    :: d_step { !under_way && is_ready -> commit_move(); decides("control commits the move"); check() }
    :: d_step { !under_way && cutover -> give_up(); decides("control gives the move up"); check() }
#ifndef BREAK_NO_SECOND_CHOICE
    :: d_step { !under_way && is_without ->
            choose_again(); decides("control chooses another snapshot"); check() }
#endif
    :: d_step { !under_way && failovers < FAILOVERS && is_lost && is_candidate ->
            failovers++; under_way = 1; takes_from = best_snapshot; decides("control decides to fail over") }
#ifdef SWITCH
    :: d_step { !under_way && !automatic -> automatic = 1; committed(); decides("control is set to automatic") }
    :: d_step { !confirmed && on(owner) && is_current(owner) && heard[owner].leased && guarded[owner] &&
            !(older_of == owner && !older.leased) -> confirmed = 1 }
#endif
    :: d_step { under_way -> commit_failover(); decides("control commits the failover"); check() }
    :: d_step { crashes < CRASHES && may_forget -> crashes++; control_gone(); decides("control restarts"); check() }
    od
}

#ifdef AUTOMATIC
proctype Clock() provided (!over) {
    do
    :: d_step { is_growing || lease_age[0] < LEASE || lease_age[1] < LEASE || on_its_way ->
            tick(); printf("tick\n"); check() }
#ifdef LATE
    :: d_step { !gained && is_growing -> grow_silence(); gained = 1; printf("tick of the control service alone\n") }
#endif
    od
}
#endif

// --- how it ends --------------------------------------------------------------------------------------------------

// From here on nothing fails any more, but that the node `dead` never comes back (2: both do). Whoever is alive takes
// its turn, in one order or the other; within so many rounds one node serves, nothing is under way, the other is its
// replica, and every write that is owed is there. One step from each state, so that it costs no states.
#ifdef CALM
#define ROUNDS 16
byte rounds, dead, who;

#define serves(n) (owner == n && phase == IDLE && !under_way && copy[n] == LIVE && marker[n] == epoch && \
    acknowledges(n) && (owed & ~data[n]) == 0)
#define follows(n) (n == dead || (copy[n] == NONE && !running[n] && !open[n] && snap[n] == data[OTHER(n)]))
#define is_well ((serves(0) && dead != 0 && follows(1)) || (serves(1) && dead != 1 && follows(0)))

inline turn(n) {
    if
    :: n == dead
    :: else ->
        up[n] = 1; agent[n] = 1;
        if :: heard[n].revision < revision || !fresh[n] -> assign(n); hears(n) :: else fi;
        do STEPS(n) :: else -> break od;
        if :: may_feed(n, OTHER(n)) -> feed(n, OTHER(n)) :: else fi;
        if
        :: may_report(n) && may_grant(n) ->
            lease_age[n] = 0;
            silence[n] = 0
        :: else
        fi
    fi
}
#ifdef AUTOMATIC
#define is_silent is_lost
#else
#define is_silent (owner == dead)
#endif

inline control_turn() {
    do
    :: under_way -> commit_failover(); silence[owner] = 0; decides("control commits the failover")
    :: !under_way && is_sealed -> start_trial(); decides("control has it tried")
    :: !under_way && is_ready && running[candidate] ->
        commit_move(); silence[owner] = 0; decides("control commits the move")
    :: !under_way && cutover && candidate == dead -> give_up(); decides("control gives the move up")
#ifndef BREAK_NO_SECOND_CHOICE
    :: !under_way && is_without -> choose_again()
#endif
    :: else -> break
    od;
    if
    :: !under_way && is_silent && candidate != dead && is_candidate -> under_way = 1; takes_from = best_snapshot
    :: else
    fi
}
inline recover(first) {
    printf("--- from here on all is calm\n");
    dead = lost; silence[0] = 0; silence[1] = 0;
    if
    :: dead < 2 ->
        agent[dead] = 0; up[dead] = 0; fresh[dead] = 0; running[dead] = 0; open[dead] = 0; lease_age[dead] = LEASE
    :: else
    fi;
    rounds = 0;
    do
    :: who = first;
        do
        :: turn(who); if :: who == first -> who = OTHER(first) :: else -> break fi
        od;
        control_turn();
        if :: is_well || rounds == ROUNDS -> break :: else -> tick(); rounds++ fi
    od;
    check();
    it_ends_well = is_well;
    assert(it_ends_well);
    wipe();
    over = 1
}
inline wipe_node(n) {
    up[n] = 0; agent[n] = 0; copy[n] = 0; data[n] = 0; snap[n] = 0; aside[n] = 0; marker[n] = 0;
    seal_or_trial_of[n] = 0; told[n] = 0; running[n] = 0; open[n] = 0; lease_age[n] = 0; fresh[n] = 0; put(heard[n], older)
}
inline wipe() {
    forget_older(); wipe_node(0); wipe_node(1);
    owner = 0; epoch = 0; phase = 0; revision = 0; move = 0; won_by = 0; sealed = 0; began_from = 0;
    silence[0] = 0; silence[1] = 0; under_way = 0; takes_from = 0;
    failovers = 0; crashes = 0; stales = 0; gained = 0;
    written = 0; owed = 0; rounds = 0; dead = 0; who = 0
}

proctype Calm(byte lost; byte first) provided (!over) {
    d_step { true -> recover(first) }
}
#endif

init {
    d_step {
        copy[0] = LIVE; copy[1] = NONE;
        heard[0].revision = 1; heard[0].duty = SERVE; heard[0].epoch = 1; fresh[0] = 1;
        heard[1].revision = 1; heard[1].duty = RECEIVE; heard[1].epoch = 1; fresh[1] = 1;
        running[0] = 1; open[0] = 1
    }
    atomic {
        run Node(0); run Node(1); run Control();
#ifdef AUTOMATIC
        run Clock();
#endif
#ifdef CALM
        run Calm(2, 0); run Calm(2, 1); run Calm(0, 1); run Calm(1, 0);
#endif
    }
}
