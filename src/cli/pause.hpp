// SPDX-License-Identifier: Apache-2.0
//
// What a move costs the clients, expected and measured, as text. Pure.
#pragma once

#include <string>
#include <vector>

#include "api/documents.hpp"
#include "cli/table.hpp"

namespace flocker::cli {

/// "hold 3.1, stop 120, increment 18 ms", in the order of the cutover; empty: nothing was measured.
[[nodiscard]] std::string parts_text(const api::MoveResultEntry& move);

/// "learned from 3 moves", "from its start here", "a guess".
[[nodiscard]] std::string source_text(const api::PredictionEntry& predicted);
/// `flocker move --plan`: how long clients would wait, and for what.
[[nodiscard]] std::string forecast_text(const api::PlanDocument& plan);

/// `flocker move ls`: moves in the order given, with their parts; in two tables where one does not fit.
/// `now` is what ages are counted to.
[[nodiscard]] std::string moves_text(const std::vector<api::MoveEnded>& moves, Instant now, const Look& look);
/// {"moves": [{"application", "id", "source", "target", …}]}
[[nodiscard]] std::string moves_json(const std::vector<api::MoveEnded>& moves);

}  // namespace flocker::cli
