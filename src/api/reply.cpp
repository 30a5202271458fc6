// SPDX-License-Identifier: Apache-2.0
#include "api/reply.hpp"

#include "api/documents_json.hpp"

namespace flocker::api {

unsigned http_status(ErrorCode code) {
    switch (code) {
        case ErrorCode::invalid_argument: return 400;
        case ErrorCode::not_found: return 404;
        case ErrorCode::already_exists: return 409;
        case ErrorCode::denied: return 403;
        case ErrorCode::conflict: return 409;
        case ErrorCode::unavailable: return 503;
        case ErrorCode::timed_out: return 504;
        case ErrorCode::corrupt: return 500;
        case ErrorCode::internal: return 500;
    }
    return 500;
}

ErrorCode code_for(unsigned status) {
    switch (status) {
        case 401:
        case 403: return ErrorCode::denied;
        case 404: return ErrorCode::not_found;
        case 409: return ErrorCode::conflict;
        case 502:
        case 503: return ErrorCode::unavailable;
        case 408:
        case 504: return ErrorCode::timed_out;
        default: return status / 100 == 4 ? ErrorCode::invalid_argument : ErrorCode::internal;
    }
}

http::Response json_response(unsigned status, std::string body) {
    return {status, {{"Content-Type", "application/json"}, {"Cache-Control", "no-store"}}, std::move(body)};
}

http::Response error_response(unsigned status, const Error& error) {
    return json_response(status, to_json(ErrorDocument{error}));
}

http::Response error_response(const Error& error) {
    return error_response(http_status(error.code), error);
}

}  // namespace flocker::api
