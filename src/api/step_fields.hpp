// SPDX-License-Identifier: Apache-2.0
//
// Internal: the steps of a plan as JSON, in the API's documents and in what the command line prints.
#pragma once

#include "api/documents.hpp"
#include "codec/fields.hpp"

namespace flocker::api {

template <class V>
void fields(V&& visit, codec::Either<PredictionEntry> auto& document) {
    visit("total_ns", document.total);
    visit("stop_ns", document.stop);
    visit("increment_ns", document.increment);
    visit("start_ns", document.start);
    visit("ready_ns", document.ready);
    visit("rest_ns", document.rest);
    visit("moves", document.moves);
    visit("guessed", document.guessed);
    visit("killed_after_ns", document.killed_after);
}

template <class V>
void fields(V&& visit, codec::Either<StepEntry> auto& document) {
    visit("kind", document.kind);
    visit("application", document.application);
    visit("node", document.node);
    visit("from", document.from);
    visit("to_copy", document.to_copy);
    visit("reason", document.reason);
    visit("predicted", document.predicted);
}

}  // namespace flocker::api
