// SPDX-License-Identifier: Apache-2.0
#include "codec/json.hpp"

#include <gtest/gtest.h>

#include "codec/json_text.hpp"
#include "model/assignment.hpp"
#include "model/deployment.hpp"
#include "model/report.hpp"

namespace flocker::codec {
namespace {

std::string json_string(std::string_view text) {
    std::string out;
    append_json_string(out, text);
    return out;
}

/// The message of what decode<T> says about the text.
template <class T>
std::string refusal(std::string_view text) {
    const auto outcome = decode<T>(text);
    if (outcome) return "accepted";
    EXPECT_EQ(outcome.error().code, ErrorCode::corrupt);
    return outcome.error().message;
}

constexpr const char* node =
    R"({"id":"n1","name":"alder","hostname":"h","address":"10.0.0.1","data_port":4525,"datacenter":""})";
std::string node_with(std::string_view what, std::string_view instead) {
    std::string text = node;
    text.replace(text.find(what), what.size(), instead);
    return text;
}

TEST(JsonOfANode, LooksAsDocumented) {
    model::Node alder;
    alder.id = model::NodeId{"n1"};
    alder.name = "alder";
    alder.labels = {{"disk", "ssd"}};
    EXPECT_EQ(
        encode(alder),
        R"({"id":"n1","name":"alder","hostname":"","address":"",)"
              R"("data_port":4525,"datacenter":"","labels":{"disk":"ssd"},"draining":false})");
}

TEST(JsonOfADeployment, HasPlacesAsTypedPairs) {
    model::Deployment deployment;
    deployment.places[model::NodeReference{"alder"}] = {model::ApplicationName{"web"}};
    deployment.places[model::DatacenterName{"fra"}] = {};
    deployment.replicas[model::ApplicationName{"web"}] = {model::NodeReference{"birch"}};
    const std::string places = R"({"applications":[],"places":[{"key":{"type":"node","name":"alder"},"value":["web"]},)"
                               R"({"key":{"type":"datacenter","name":"fra"},"value":[]}])";
    EXPECT_EQ(encode(deployment), places + R"(,"replicas":{"web":["birch"]}})");
    deployment.replicas.clear();
    EXPECT_EQ(decode<model::Deployment>(places + "}"), deployment) << "as it was before replicas could be named";
}

TEST(JsonOfAnOwnership, HasIdsTimesAndPhasesAsDocumented) {
    model::Ownership ownership;
    ownership.subject = model::SubjectId{"app:web"};
    ownership.owner = model::NodeId{"n1"};
    auto& move = ownership.move.emplace();
    move.id = model::MoveId{7};
    move.phase = model::MovePhase::trial;
    move.sealed = model::SnapshotId{model::Epoch{3}, 42};
    move.started = Instant{1'790'000'000'000'000'001};
    const std::string text = encode(ownership);
    EXPECT_NE(text.find(R"("phase":"trial")"), std::string::npos) << text;
    EXPECT_NE(text.find(R"("sealed":"e3-s42")"), std::string::npos) << text;
    EXPECT_NE(text.find(R"("started":1790000000000000001,)"), std::string::npos) << text;
    EXPECT_EQ(text.find("dataset"), std::string::npos) << "an absent optional is left out: " << text;
}

TEST(JsonOfARestartPolicy, SaysOnFailureAsTheManifestDoes) {
    model::Application application;
    application.restart_policy.name = model::RestartPolicy::Name::on_failure;
    EXPECT_NE(encode(application).find(R"("restart_policy":{"name":"on-failure"})"), std::string::npos);
}

TEST(JsonDecoding, TakesAbsentContainersAsEmptyAndIgnoresUnknownKeys) {
    const auto found = decode<model::Node>(node_with("{", R"({"from_the_future":{"a":[1,2]},)"));
    ASSERT_TRUE(found.has_value()) << found.error();
    EXPECT_EQ(found->name, "alder");
    EXPECT_TRUE(found->labels.empty());
}

TEST(JsonDecoding, TakesNullAsAnAbsentOptional) {
    const auto found = decode<model::DatasetSeen>(
        R"({"id":"d","epoch":1,"live":true,"seal":null,"mounted":false,"changed":true,"used":0})");
    ASSERT_TRUE(found.has_value()) << found.error();
    EXPECT_EQ(found->seal, std::nullopt);
    EXPECT_EQ(found->trial, std::nullopt);
}

TEST(JsonDecoding, NamesAMissingField) {
    EXPECT_EQ(refusal<model::Node>(node_with(R"("name":"alder",)", "")), "name: is missing");
    EXPECT_EQ(refusal<model::Node>(node_with(R"("name":"alder")", R"("name":null)")), "name: must be a string");
}

TEST(JsonDecoding, KeepsTheDefaultOfAFieldThatCameLaterThanTheText) {
    const auto before = decode<model::Application>(R"({"name":"a","image":"i","restart_policy":{"name":"never"}})");
    ASSERT_TRUE(before);
    EXPECT_TRUE(before->gate);
    EXPECT_EQ(before->cutover, model::Cutover::stop);
}

TEST(JsonDecoding, NamesTheWholePathOfWhatIsWrong) {
    const std::string fine = R"({"name":"a","image":"i","restart_policy":{"name":"never"}})";
    const std::string wrong =
        R"({"name":"b","image":"i","restart_policy":{"name":"never"},"ports":[{"internal":1,)"
        R"("external":1},{"internal":0,"external":1}]})";
    EXPECT_EQ(refusal<model::Deployment>(R"({"applications":[)" + fine + "," + fine + "," + wrong + "]}"),
              "applications[2].ports[1].internal: must be an integer from 1 to 65535");
    EXPECT_EQ(refusal<model::Records>(R"({"revision":1,"nodes":{"n.1":{"id":3}},"last_move":0})"),
              R"(nodes["n.1"].id: must be a string)");
    EXPECT_EQ(refusal<model::Deployment>(R"({"places":[{"key":{"type":"node","name":"a"},"value":["w",5]}]})"),
              "places[0].value[1]: must be a string");
}

TEST(JsonDecoding, HoldsNumbersToTheRangeOfTheirField) {
    for (const char* bad :
         {"0", "65536", "-1", "4525.0", "4.5e3", "\"4525\"", "true", "1e400", "99999999999999999999"}) {
        EXPECT_EQ(refusal<model::Node>(node_with("4525", bad)), "data_port: must be an integer from 1 to 65535") << bad;
    }
    EXPECT_EQ(refusal<model::NodeReport>(R"({"node":"n","sequence":18446744073709551616})"),
              "sequence: must be an integer from 0 to 18446744073709551615");
}

TEST(JsonDecoding, ListsTheNamesOfAnEnum) {
    EXPECT_EQ(refusal<model::Event>(R"({"number":1,"at":0,"kind":"party","subject":"","text":""})"),
              "kind: must be one of deployed, node_joined, node_removed, move_started, move_phase, move_finished, "
              "move_failed, volume_created, volume_destroyed, application_failed, node_lost, node_back, failed_over, "
              "lag_broken, lag_met, replica_added, replica_removed, data_set_aside, settings_changed, node_draining, "
              "node_activated, failover_withheld, control_taken_over, pool_knew_better, aside_removed, replica_differs, "
              "snapshots_let_go, stranger_found, records_restored");
    EXPECT_EQ(refusal<model::Application>(R"({"name":"a","image":"i","restart_policy":{"name":"on_failure"}})"),
              "restart_policy.name: must be one of never, always, on-failure");
}

TEST(JsonDecoding, RefusesWrongKindsOfPlacesAndSnapshots) {
    EXPECT_EQ(refusal<model::Deployment>(R"({"places":[{"key":{"type":"rack","name":"a"}}]})"),
              "places[0].key.type: must be one of node, datacenter");
    EXPECT_EQ(refusal<model::Deployment>(R"({"places":[{"value":[]}]})"), "places[0].key: is missing");
    EXPECT_EQ(
        refusal<model::DatasetSeen>(R"({"id":"d","epoch":1,"live":true,"mounted":false,"acknowledged":{"n":"../x"}})"),
        "acknowledged.n: must be a snapshot such as \"e3-s42\"");
    EXPECT_EQ(refusal<model::Node>("[]"), "must be an object");
    EXPECT_EQ(refusal<std::vector<model::Node>>("{}"), "must be an array");
}

TEST(JsonDecoding, RefusesWhatIsNotOneJsonText) {
    EXPECT_EQ(refusal<model::Node>("").rfind("not JSON at byte 0: ", 0), 0U);
    EXPECT_EQ(refusal<model::Node>("{\"id\":}").rfind("not JSON at byte 6: ", 0), 0U);
    EXPECT_NE(refusal<model::Node>(std::string(node) + "x"), "accepted");
    EXPECT_NE(refusal<model::Node>(std::string(node) + node), "accepted");
    EXPECT_NE(refusal<model::Node>(node_with("alder",
                                             "al\xFF"
                                             "der")),
              "accepted");
    EXPECT_NE(refusal<model::Node>(std::string_view(node).substr(0, 40)), "accepted");
}

TEST(JsonDecoding, BoundsDepthAndSize) {
    const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
    EXPECT_EQ(refusal<model::Node>(deep).rfind("not JSON at byte ", 0), 0U);
    const std::string padding(text_max, ' ');
    EXPECT_EQ(refusal<model::Node>(padding + node).rfind("a text of ", 0), 0U);
    EXPECT_EQ(refusal<model::Node>(padding.substr(std::string_view(node).size()) + node), "accepted");
}

TEST(JsonText, EscapesWhatMustBe) {
    EXPECT_EQ(json_string(std::string_view("a\"\\\n\r\t\x01\x7F/\0", 10)), R"("a\"\\\n\r\t\u0001\u007f/\u0000")");
}

TEST(JsonText, KeepsUtf8AndReplacesEverythingElse) {
    const std::string replacement = "\xEF\xBF\xBD";
    const std::string fine = "gr\xC3\xBCn \xE2\x82\xAC \xF0\x9F\x90\x91 \xF4\x8F\xBF\xBF \xED\x9F\xBF";
    EXPECT_EQ(json_string(fine), "\"" + fine + "\"");
    EXPECT_EQ(json_string("\xFF"
                          "a"),
              "\"" + replacement + "a\"");
    EXPECT_EQ(json_string("\xC3"), "\"" + replacement + "\"");
    EXPECT_EQ(json_string("\xC0\xAF"), "\"" + replacement + replacement + "\"") << "too long a form";
    EXPECT_EQ(json_string("\xED\xA0\x80"), "\"" + replacement + replacement + replacement + "\"") << "half of a pair";
    EXPECT_EQ(json_string("\xF4\x90\x80\x80"), "\"" + replacement + replacement + replacement + replacement + "\"");
}

TEST(JsonEncoding, OfAnyBytesCanBeDecoded) {
    std::string bytes;
    for (int byte = 0; byte < 256; ++byte) bytes += static_cast<char>(byte);
    model::Node value;
    value.name = bytes + "\xF0\x9F\x90";
    value.labels[bytes] = bytes;
    const auto back = decode<model::Node>(encode(value));
    ASSERT_TRUE(back.has_value()) << back.error();
    EXPECT_EQ(encode(*back), encode(value));
}

}  // namespace
}  // namespace flocker::codec
