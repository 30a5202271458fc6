// SPDX-License-Identifier: Apache-2.0
//
// The command line against a control service, over the sockets, the TLS and the HTTP that both use.
#include <gmock/gmock.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "adapters/http/server.hpp"
#include "adapters/tls/authority.hpp"
#include "adapters/tls/testing.hpp"
#include "api/testing.hpp"
#include "apps/flocker/transport.hpp"
#include "cli/run.hpp"

namespace flocker {
namespace {

using api::testing::application;
using api::testing::node;
using ::testing::HasSubstr;

http::Answer answer_of(api::Api& api, const http::Request& request) {
    api::Reply reply = api.serve(request);
    if (!reply.body) return reply.response;
    return {reply.response, [reply](http::BodyWriter& writer) { api::write_body(reply, writer); }};
}

class FlockerTest : public ::testing::Test {
protected:
    FlockerTest() {
        control.add(alder);
        std::filesystem::create_directories(folder);
        const auto user = authority.credentials(tls::terms_for_user("ann"));
        std::ofstream(folder + "/context.json")
            << cli::to_json({"127.0.0.1", listener->port(), user.authority, user.certificate, user.key});
    }
    ~FlockerTest() override {
        control.api().close();
        server.stop();
        std::filesystem::remove_all(folder);
    }
    FlockerTest(const FlockerTest&) = delete;
    FlockerTest& operator=(const FlockerTest&) = delete;

    int run(std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), "flocker");
        out.str("");
        err.str("");
        return cli::run(arguments, world);
    }

    const model::Node alder = node("alder", "10.0.0.1");
    const std::string folder =
        (std::filesystem::temp_directory_path() / ("flkt-flocker-" + std::to_string(::getpid()))).string();
    api::testing::TestControl control;
    tls::testing::TestCluster authority;
    std::unique_ptr<posix::Listener> listener =
        authority.control().listen("127.0.0.1", 0, tls::ClientCertificates::optional).value();
    http::HttpServer server{*listener,
                            [this](const http::Request& request) { return answer_of(control.api(), request); }};

    std::istringstream in;
    std::ostringstream out;
    std::ostringstream err;
    cli::World world{in,
                     out,
                     err,
                     false,
                     false,
                     0,
                     [](const std::string&) { return std::nullopt; },
                     connect,
                     [] { return tls::testing::wall_clock_now(); },
                     [this](Duration) { control.report(alder); },
                     [](const std::string&) {},
                     {},
                     folder + "/context.json"};
};

TEST_F(FlockerTest, DeploysAndLooksOverTheRealConnection) {
    std::ofstream(folder + "/deployment.yml") << "version: 1\nnodes: {alder: [web]}\n";
    std::ofstream(folder + "/application.yml") << "version: 1\napplications: {web: {image: nginx}}\n";

    EXPECT_EQ(run({"deploy", folder + "/deployment.yml", folder + "/application.yml"}), 0) << err.str();
    EXPECT_THAT(out.str(), HasSubstr("web  started on alder"));

    EXPECT_EQ(run({"status"}), 0) << err.str();
    EXPECT_THAT(out.str(), HasSubstr("web           nginx:latest   alder   running"));
    EXPECT_EQ(run({"logs", "web"}), 0) << err.str();
    EXPECT_EQ(out.str(), "web on alder\n");
    EXPECT_EQ(run({"volume", "inspect", "none"}), 1);
    EXPECT_EQ(err.str(), "flocker: no volume is called \"none\"\n");
}

TEST_F(FlockerTest, SaysWhyLogsCannotBeHad) {
    control.ask("POST", "/v1/deploy",
                R"({"deployment":{"applications":[{"name":"web","image":"web:1","restart_policy":{"name":"never"}}],)"
                R"("places":[{"key":{"type":"node","name":"alder"},"value":["web"]}]}})");
    control.logs = [](const auto&...) -> Status { return fail(ErrorCode::unavailable, "node alder does not answer"); };

    EXPECT_EQ(run({"logs", "web"}), 1);
    EXPECT_EQ(err.str(), "flocker: node alder does not answer\n");
}

TEST_F(FlockerTest, IsDeniedWithAnyOtherCertificate) {
    const auto of_node = authority.credentials(tls::terms_for_node(tls::testing::alder, "127.0.0.1"));
    std::ofstream(folder + "/context.json")
        << cli::to_json({"127.0.0.1", listener->port(), of_node.authority, of_node.certificate, of_node.key});
    EXPECT_EQ(run({"status"}), 1);
    EXPECT_THAT(err.str(), HasSubstr("takes a user's certificate"));

    const tls::testing::TestCluster stranger("stranger");
    const auto other = stranger.credentials(tls::terms_for_user("ann"));
    std::ofstream(folder + "/context.json")
        << cli::to_json({"127.0.0.1", listener->port(), other.authority, other.certificate, other.key});
    EXPECT_EQ(run({"status"}), 1);
    EXPECT_FALSE(err.str().empty());
}

}  // namespace
}  // namespace flocker
