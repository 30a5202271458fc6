// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "adapters/posix/fd.hpp"
#include "adapters/sqlite/serial_thread.hpp"
#include "ports/loop.hpp"
#include "ports/state_store.hpp"

namespace flocker::sqlite {

class Database;

/// A file of records as SqliteStateStore keeps it, while no control service has it open. Blocking.
/// Errors: as SqliteStateStore::open().
[[nodiscard]] Result<model::Records> read_file_of_records(const std::string& path);
[[nodiscard]] Result<std::vector<model::Event>> read_file_of_events(const std::string& path);
/// Replaces all that is in it, but for the events, which are added under their numbers; in one transaction. Makes
/// the file if it is not there.
[[nodiscard]] Status write_file_of_records(const std::string& path, const model::Records& records,
                                           const std::vector<model::Event>& events);

/// As long as it is held no control service opens the file; it may be renamed and replaced meanwhile.
/// Errors: unavailable (a control service has it open, or another restore).
[[nodiscard]] Result<posix::Fd> hold_file_of_records(const std::string& path);
/// What is said of a file of records that no control service may begin with, and what to do: "it is gone".
[[nodiscard]] Error records_unusable(const std::string& path, const std::string& how);
/// What an error of this room says is wrong with a file of records, without what to do.
[[nodiscard]] std::string fault_alone(const Error& error);

/// The control service's records in one SQLite file: a JSON document a record, written ahead, synced
/// at each commit. Only root can read it: it holds environment variables.
///
/// Threads:   as the port says; calls are served one after another, in their order.
/// Crashing:  as the port says.
/// Owns:      one thread. The destructor finishes what was asked for.
/// Limits:    the newest `events_kept` events are kept. One process at a time ("<path>.lock").
/// Errors:    beyond the port's: commit() refuses with invalid_argument what could not be read back
///            (a port 0); load() and events() say corrupt, with what to do.
class SqliteStateStore final : public ports::StateStore {
public:
    static constexpr std::uint64_t events_kept = 10'000;

    /// Opens the file, creates it if it is not there, and checks all of it. Blocks: before the loop
    /// runs. `loop` outlives the store.
    ///
    /// Errors: corrupt (damaged, or not ours), invalid_argument (of a newer Flocker), unavailable (in
    ///         use, no room, no permission). The file is left as it is.
    [[nodiscard]] static Result<std::unique_ptr<SqliteStateStore>> open(const std::string& path, ports::Loop& loop);
    ~SqliteStateStore() override;

    void load(Done<model::Records> done) override;
    void commit(model::Revision expected, const std::vector<model::Change>& changes,
                Done<model::Revision> done) override;
    void events(std::uint64_t after, std::uint32_t limit, Done<std::vector<model::Event>> done) override;

private:
    SqliteStateStore(std::unique_ptr<Database> database, ports::Loop& loop);
    template <class T>
    void serve(std::function<Result<T>()> work, Done<T> done);

    ports::Loop& loop_;
    std::unique_ptr<Database> database_;  ///< On `thread_` only.
    SerialThread thread_;                 ///< Last, so that it ends first.
};

}  // namespace flocker::sqlite
