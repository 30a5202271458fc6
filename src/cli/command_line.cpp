// SPDX-License-Identifier: Apache-2.0
//
// The only file that knows the library for arguments.
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <algorithm>

#include "cli/commands.hpp"
#include "cli/completion.hpp"
#include "cli/run.hpp"
#include "manifest/duration.hpp"
#include "usage/read_shape.hpp"

namespace flocker::cli {
namespace {

constexpr const char* about =
    "Flocker makes containers portable, data and all.\n"
    "Say what runs and where in two files, deploy them, and change one line to move a database to another machine.";

/// For a command that has arguments of its own, or a subcommand.
class UsageFormatter : public CLI::Formatter {
public:
    explicit UsageFormatter(std::string usage) : usage_(std::move(usage)) {}
    std::string make_usage(const CLI::App*, std::string) const override { return usage_; }

private:
    std::string usage_;
};

/// Takes arguments apart into one call of a command.
class CommandLine {
public:
    explicit CommandLine(const World& world) : world_(world), app_(about, "flocker") {
        app_.require_subcommand(0, 1);
        app_.fallthrough();
        app_.add_option("--context", common_.context,
                        "Name or file of the context: which cluster, and who asks. Also FLOCKER_CONTEXT")
            ->type_name("CONTEXT");
        app_.footer(
            "A first look:\n  flocker status\n  flocker deploy deployment.yml application.yml\n\n`flocker COMMAND "
            "--help` shows an example of each.");
        deployments();
        failovers();
        looks();
        care();
        volumes();
        nodes();
        tokens();
        settings();
        contexts();
        extras();
    }

    /// Of all commands, also those that other rooms bring.
    [[nodiscard]] usage::CommandShape shape() const {
        usage::CommandShape all = usage::shape_of(app_);
        for (usage::CommandShape& command : all.subcommands) {
            const auto extra = std::ranges::find(world_.extra, command.name, &ExtraCommand::name);
            if (extra == world_.extra.end() || !extra->shape) continue;
            command = extra->shape();
        }
        return all;
    }

    int run(std::vector<std::string> arguments) {
        std::reverse(arguments.begin(), arguments.end());
        try {
            app_.parse(arguments);
        } catch (const CLI::Success& wish) {
            return app_.exit(wish, world_.out, world_.err);
        } catch (const CLI::ParseError& error) {
            world_.err << "flocker: " << error.what() << "\nflocker: see `" << path_of_help() << " --help`"
                       << std::endl;
            return exit_code::refused;
        }
        if (!command_) {
            const auto chosen = app_.get_subcommands();
            world_.out << (chosen.empty() ? app_.help() : chosen.front()->help()) << std::flush;
            return chosen.empty() ? exit_code::done : exit_code::refused;
        }
        return command_(Session(world_, common_));
    }

private:
    using Command = std::function<int(const Session&)>;

    /// A command with what each has: `--json`, an example, and what it does.
    CLI::App& add(CLI::App& under, const std::string& name, const std::string& help, const std::string& example,
                  Command command) {
        CLI::App& added = *under.add_subcommand(name, help);
        added.add_flag("--json", common_.json, "Print JSON instead of text for people");
        added.footer("Example:\n  " + example);
        added.callback([this, &added, command = std::move(command)] {
            if (added.get_subcommands().empty()) command_ = command;
        });
        return added;
    }
    CLI::App& group(const std::string& name, const std::string& help, const std::string& example) {
        CLI::App& added = *app_.add_subcommand(name, help);
        added.require_subcommand(0, 1);
        added.footer("Example:\n  " + example);
        return added;
    }
    void no_trunc(CLI::App& command) {
        command.add_flag("--no-trunc", common_.no_trunc, "Cut nothing off, however wide it gets");
    }

    static void config_folder_option(CLI::App& command, std::string& folder) {
        command.add_option("--config-dir", folder, "This node's configuration")->type_name("FOLDER")->capture_default_str();
    }

    void follow_options(CLI::App& command, FollowOptions& options) {
        command.add_flag("--dry-run", options.dry_run, "Show the plan and change nothing");
        command.add_flag("--detach", options.detach, "Do not wait; the work goes on by itself");
        add_duration(command, "--timeout", "How long to wait, like 90s or 1h; the work goes on afterwards",
                     [&options](Duration given) { options.timeout = given; })
            .default_str("10m");
    }
    static CLI::Option& add_duration(CLI::App& command, const std::string& name, const std::string& help,
                                     const std::function<void(Duration)>& set) {
        const auto take = [name, set](const std::string& text) {
            const auto duration = manifest::parse_duration(text);
            if (!duration) throw CLI::ValidationError(name, duration.error().message);
            set(*duration);
        };
        return *command.add_option_function<std::string>(name, take, help)->type_name("DURATION");
    }

    void deployments() {
        CLI::App& deploying =
            add(app_, "deploy", "Make the cluster what two manifests say; also called flocker-deploy",
                "flocker deploy deployment.yml application.yml\n\n"
                "deployment.yml says where:            application.yml says what:\n"
                "  version: 1                            version: 1\n"
                "  nodes:                                applications:\n"
                "    alder: [db]                           db:\n"
                "    birch: []                               image: postgres:15\n"
                "                                            ports: [{internal: 5432, external: 5432}]\n"
                "                                            volume: {mountpoint: /var/lib/postgresql/data}\n\n"
                "To move the database, write it behind birch and run the command again.",
                [this](const Session& session) { return deploy(session, deploy_); });
        deploying
            .add_option("DEPLOYMENT", deploy_.deployment_file,
                        "Deployment manifest: which application runs on which node")
            ->type_name("FILE")
            ->required();
        deploying.add_option("APPLICATION", deploy_.application_file, "Application manifest: what each application is")
            ->type_name("FILE")
            ->required();
        deploying.add_flag("-y,--yes", deploy_.yes, "Do not ask before something is stopped, restarted or moved");
        follow_options(deploying, deploy_.follow);
        no_trunc(deploying);

        CLI::App& moving =
            add(app_, "move", "Move one application, with its volume, to another node",
                "flocker move db birch --plan                  # how long will clients wait?\n"
                "  flocker move db birch --max-downtime 500ms    # not longer than this\n"
                "  flocker move db --cancel                      # it stays where it is\n"
                "  flocker move ls db                            # how long they have waited, and for what",
                [this](const Session& session) { return move(session, move_); });
        moving.add_option("APPLICATION", move_.application, "Its name in the manifests");
        CLI::Option* node =
            moving.add_option("NODE", move_.node, "Name, address or hostname of the node that is to have it");
        CLI::Option* plan =
            moving.add_flag("--plan", move_.plan, "Say how long clients will wait, and for what, and change nothing");
        moving
            .add_flag("--cancel", move_.cancel,
                      "Call off the move that is under way, or waits; not possible once the new owner serves")
            ->excludes(node, plan);
        add_duration(moving, "--max-downtime",
                     "Stop nothing unless clients are predicted to wait at most this, like 500ms: wait a minute for a "
                     "calm moment, then give up",
                     [this](Duration given) { move_.downtime_max = given; });
        follow_options(moving, move_.follow);
        no_trunc(moving);

        CLI::App& listing =
            add(moving, "ls", "The moves so far, at most 20 of each application, with where their time went",
                "flocker move ls db", [this](const Session& session) {
                    return list_moves(session, name_.empty() ? std::nullopt : std::optional(name_));
                });
        listing.add_option("APPLICATION", name_, "Its moves only");
        no_trunc(listing);
        arguments_or_subcommand(
            moving,
            "Usage: flocker move [OPTIONS] APPLICATION NODE\n       flocker move APPLICATION --cancel\n"
            "       flocker move ls [OPTIONS] [APPLICATION]\n");
    }

    /// All positional arguments are required where the subcommand is not said, but those that a given option excludes;
    /// where it is, no option is taken.
    static void arguments_or_subcommand(CLI::App& command, const std::string& usage) {
        command.require_subcommand(0, 1);
        // What is required would come before the subcommand.
        command.parse_complete_callback([&command] {
            const auto chosen = command.get_subcommands();
            for (CLI::Option* option : command.get_options()) {
                const std::string name = option->get_name();
                const auto excluded = option->get_excludes();
                const bool needed = std::ranges::none_of(excluded, [](const CLI::Option* other) { return other->count() > 0; });
                if (chosen.empty() && option->get_positional() && option->count() == 0 && needed) throw CLI::RequiredError(name);
                if (!chosen.empty() && option->count() > 0 && name != "--json" && name != "--no-trunc")
                    throw CLI::ValidationError(command.get_name() + " " + chosen.front()->get_name(), "takes no " + name);
            }
        });
        command.formatter(std::make_shared<UsageFormatter>(usage));
    }

    void failovers() {
        CLI::App& failing =
            add(app_, "failover", "Let a replica take over an application whose node is lost",
                "flocker failover db --dry-run     # who could take over, and what would be missing there\n"
                "  flocker failover db               # the node with the newest snapshot, after a question\n"
                "  flocker failover db --to birch    # this one\n\n"
                "Refused while the node answers: then `flocker move` loses nothing. What the lost node had alone\n"
                "is not destroyed: when it is back it is set aside there (flocker volume snapshots db).",
                [this](const Session& session) { return failover(session, failover_); });
        failing.add_option("APPLICATION", failover_.application, "Its name in the manifests")->required();
        failing
            .add_option("--to", failover_.node,
                        "Name, address or hostname of the node that takes over; the one with the newest snapshot if not said")
            ->type_name("NODE");
        failing.add_flag("-y,--yes", failover_.yes, "Do not ask; needed when nobody can be asked");
        follow_options(failing, failover_.follow);
        no_trunc(failing);
    }

    void looks() {
        no_trunc(add(app_, "status", "Nodes, applications, and what does not work", "flocker status",
                     [](const Session& session) { return status(session); }));
        add(app_, "why", "What an application, a node or a volume is waiting for, on whom and until when",
            "flocker why db", [this](const Session& session) { return why(session, name_); })
            .add_option("NAME", name_, "Name of an application or node, or id of a volume")
            ->type_name("APPLICATION|NODE|VOLUME")
            ->required();

        CLI::App& logging =
            add(app_, "logs", "What an application writes, wherever it runs", "flocker logs db --follow --tail 20",
                [this](const Session& session) { return logs(session, logs_); });
        logging.add_option("APPLICATION", logs_.application, "Its name in the manifests")->required();
        logging.add_flag("-f,--follow", logs_.follow, "Go on with what it writes from now on");
        logging.add_option("--tail", logs_.tail, "How many of the latest lines")
            ->check(CLI::Range(0, 100'000))
            ->capture_default_str();

        CLI::App& happening = add(app_, "events", "What has happened in the cluster", "flocker events --follow",
                                  [this](const Session& session) { return events(session, latest_, follow_); });
        happening.add_flag("-f,--follow", follow_, "Go on with what happens from now on");
        happening.add_option("--tail", latest_, "How many of the latest events")
            ->check(CLI::Range(0, 1000))
            ->capture_default_str();

        add(app_, "version", "Versions of this program and of the control service", "flocker version --client",
            [this](const Session& session) { return version(session, client_only_); })
            .add_flag("--client", client_only_, "Ask no control service");
        add(app_, "completion", "What makes a shell complete commands, options and names",
            "flocker completion bash > /etc/bash_completion.d/flocker\n"
            "  flocker completion zsh > \"${fpath[1]}/_flocker\"\n\n"
            "Names of applications, nodes, volumes and snapshots come from the control service of the context, within\n"
            "a second or not at all.",
            [this](const Session& session) { return print_completion(session, name_); })
            .add_option("SHELL", name_, "bash or zsh")
            ->required();
    }

    void care() {
        CLI::App& examining =
            add(app_, "doctor", "Find what will not work on this machine, and say how to mend it; as root",
                "flocker doctor                     # before `flocker init` and `flocker join`, and on a node\n\n"
                "Looks at the engine, the pool, disks, ports, other nodes, the clock, cgroups, the kernel, keys and\n"
                "certificates; changes nothing. Exit code 1 if anything fails.",
                [this](const Session& session) { return doctor(session, config_folder_); });
        config_folder_option(examining, config_folder_);
        CLI::App& collecting = add(
            app_, "diagnostics", "Put all that somebody who helps needs into one archive, without secrets; as root",
            "flocker diagnostics\n"
            "  flocker diagnostics /tmp/alder.tar.gz\n\n"
            "Versions, the doctor's findings, status, volumes, moves, events, flockerd's log, nftables, mounts, the pool,\n"
            "the configuration. No key, no token, no value of an environment variable, no command.",
            [this](const Session& session) { return diagnostics(session, file_, config_folder_); });
        collecting.add_option("FILE", file_, "The archive; flocker-diagnostics-NODE-DATE.tar.gz here if not said");
        config_folder_option(collecting, config_folder_);
    }

    void volumes() {
        CLI::App& volume = group("volume", "List, inspect, verify and remove volumes", "flocker volume ls");
        no_trunc(add(volume, "ls", "All volumes, also those that no application has any more", "flocker volume ls",
                     [](const Session& session) { return list_volumes(session); }));
        CLI::App& inspecting =
            add(volume, "inspect", "One volume and its copies on the nodes", "flocker volume inspect db",
                [this](const Session& session) { return inspect_volume(session, name_); });
        inspecting.add_option("VOLUME", name_, "Its id, or the name of its application")->required();
        no_trunc(inspecting);
        snapshots(volume);
        looking_into(volume);
        CLI::App& removing = add(volume, "rm", "Destroy a volume that no application has, with all its copies",
                                 "flocker volume rm 6d3a8f0e-8d0c-5a5b-9a3e-0f6b7c1d2e3f",
                                 [this](const Session& session) { return remove_volume(session, name_, yes_); });
        removing.add_option("VOLUME", name_, "Its id, as `flocker volume ls` shows it")->required();
        removing.add_flag("-y,--yes", yes_, "Do not ask");
    }

    void snapshots(CLI::App& volume) {
        CLI::App& listing = add(
            volume, "snapshots", "Its snapshots on each node, and what was set aside there after a failover",
            "flocker volume snapshots db\n"
            "  flocker volume mount db e3-s43 /mnt           # on its node: look into one\n"
            "  flocker volume snapshots rm db e3-s43         # let go what was set aside\n\n"
            "`set aside` is what a former owner wrote and no other node has. It is kept until you remove it.",
            [this](const Session& session) { return list_snapshots(session, name_); });
        listing.add_option("VOLUME", name_, "Its id, or the name of its application");
        no_trunc(listing);
        CLI::App& removing = add(listing, "rm", "Remove a snapshot that was set aside; no other node has it",
                                 "flocker volume snapshots rm db e3-s43\n\n"
                                 "Snapshots that replication uses come and go by themselves, and can't be removed.",
                                 [this](const Session& session) { return remove_aside(session, aside_); });
        removing.add_option("VOLUME", aside_.volume, "Its id, or the name of its application")->required();
        removing.add_option("SNAPSHOT", aside_.snapshot, "As `flocker volume snapshots` shows it")->required();
        removing.add_option("--node", aside_.node, "The node that it lies on, where several have one of that name")
            ->type_name("NODE");
        removing.add_flag("-y,--yes", aside_.yes, "Do not ask; needed when nobody can be asked");
        arguments_or_subcommand(listing,
                                "Usage: flocker volume snapshots [OPTIONS] VOLUME\n"
                                "       flocker volume snapshots rm [OPTIONS] VOLUME SNAPSHOT\n");
    }

    void looking_into(CLI::App& volume) {
        CLI::App& verifying =
            add(volume, "verify", "Prove that its replicas are equal to the owner's copy, by digests of what a user sees",
                "flocker volume verify db\n"
                "  flocker volume verify db --replica birch\n\n"
                "Reads everything on both sides, at the lowest priority. Exit code 0: equal, 1: not, or not compared.",
                [this](const Session& session) { return verify_volume(session, verify_); });
        verifying.add_option("VOLUME", verify_.volume, "Its id, or the name of its application")->required();
        verifying.add_option("--replica", verify_.replica, "Name of a node that holds a copy; all replicas if not said")
            ->type_name("NODE");
        no_trunc(verifying);

        CLI::App& mounting = add(volume, "mount", "Look into a snapshot that is on this very node, read-only; as root",
                                 "flocker volume mount db e3-s43 /mnt\n"
                                 "  ls /mnt\n"
                                 "  flocker volume umount /mnt\n\n"
                                 "`flocker volume snapshots db` lists what there is, also what was set aside, and on "
                                 "which node.",
                                 [this](const Session& session) { return mount_snapshot(session, mount_); });
        mounting.add_option("VOLUME", mount_.volume, "Its id, or the name of its application")->required();
        mounting.add_option("SNAPSHOT", mount_.snapshot, "As `flocker volume snapshots` shows it")->required();
        mounting.add_option("PATH", mount_.path, "An empty folder")->type_name("FOLDER")->required();
        config_folder_option(mounting, mount_.config_folder);
        add(volume, "umount", "Stop looking into a snapshot", "flocker volume umount /mnt",
            [this](const Session& session) { return unmount_snapshot(session, mount_.path); })
            .add_option("PATH", mount_.path, "Where it is mounted")
            ->type_name("FOLDER")
            ->required();
    }

    void nodes() {
        CLI::App& node = group("node", "List nodes, limit one, empty one, and take one out of the cluster", "flocker node ls");
        no_trunc(add(node, "ls", "All nodes and the room that they have", "flocker node ls",
                     [](const Session& session) { return list_nodes(session); }));
        CLI::App& removing =
            add(node, "rm", "Take a node that owns nothing out of the cluster", "flocker node rm birch",
                [this](const Session& session) { return remove_node(session, name_, yes_); });
        removing.add_option("NODE", name_, "Its name")->required();
        removing.add_flag("-y,--yes", yes_, "Do not ask");

        limits(node);
        CLI::App& draining =
            add(node, "drain", "Move everything away from a node, and place nothing there any more",
                "flocker node drain birch --dry-run    # what would move where, and how long its clients would wait\n"
                "  flocker node drain birch              # before its upgrade\n"
                "  flocker node activate birch           # afterwards, or to call it off\n\n"
                "Each application goes to a node that has room, if possible one that holds a replica.",
                [this](const Session& session) { return drain_node(session, drain_); });
        draining.add_option("NODE", drain_.node, "Its name, address or hostname")->required();
        draining.add_flag("-y,--yes", drain_.yes, "Do not ask before something is moved");
        follow_options(draining, drain_.follow);
        no_trunc(draining);
        add(node, "activate", "Let things be placed on a node again; calls off moves that have not begun their cutover",
            "flocker node activate birch", [this](const Session& session) { return activate_node(session, name_); })
            .add_option("NODE", name_, "Its name, address or hostname")
            ->required();
    }

    void limits(CLI::App& node) {
        CLI::App& setting =
            add(node, "set", "Limit what a node sends to replicas",
                "flocker node set birch bandwidth 10MB/s\n"
                "  flocker node set birch bandwidth '50MB/s; 08:00-18:00 10MB/s'    # by the node's own time of day\n"
                "  flocker node set birch bandwidth unlimited\n"
                "  flocker node set birch bandwidth default                        # what `flocker config` says\n\n"
                "It holds for all replicas and for moves until their cutover, which is never held back.",
                [this](const Session& session) { return change_node(session, name_, words_); });
        setting.add_option("NODE", name_, "Its name, address or hostname")->required();
        setting.add_option("KEY", words_, "What to change, with its new value")->type_name("VALUE")->required();
    }

    void tokens() {
        CLI::App& token = group("token", "Make, list and revoke what machines join with", "flocker token create");
        CLI::App& creating =
            add(token, "create", "A token that lets one machine join, once", "flocker token create --for 20m",
                [this](const Session& session) { return create_token(session, lifetime_); });
        add_duration(creating, "--for", "How long it is good, like 20m; an hour if not said",
                     [this](Duration given) { lifetime_ = given; });
        add(token, "ls", "All tokens, without their secrets", "flocker token ls",
            [](const Session& session) { return list_tokens(session); });
        add(token, "revoke", "Make a token good for nothing", "flocker token revoke 7f3a",
            [this](const Session& session) { return revoke_token(session, name_); })
            .add_option("TOKEN", name_, "Its id, as `flocker token ls` shows it")
            ->required();
    }

    void settings() {
        CLI::App& config = add(app_, "config", "What holds for the whole cluster where a manifest says nothing",
                               "flocker config\n"
                               "  flocker config set replicas 2 lag 2s\n"
                               "  flocker config set failover automatic",
                               [](const Session& session) { return show_settings(session); });
        no_trunc(config);
        config.require_subcommand(0, 1);
        CLI::App& setting =
            add(config, "set", "Change some of it; the rest stays as it is",
                "flocker config set replicas 2 lag 2s\n\n"
                "Keys:\n"
                "  replicas          0 to 16; copies of a volume beside its owner's\n"
                "  lag               500ms to 1h; how far a replica may be behind\n"
                "  failover          manual or automatic; when a node is lost\n"
                "  replace-after     30s to 7d; a replica on a node that is lost for so long is made elsewhere\n"
                "  full-copies-max   1 to 64; first copies under way at a time\n"
                "  bandwidth         unlimited, 10MB/s, or '50MB/s; 08:00-18:00 10MB/s'; what each node sends to replicas",
                [this](const Session& session) { return change_settings(session, words_); });
        setting.add_option("KEY", words_, "What to change, each with its new value")->type_name("VALUE")->required();
    }

    void contexts() {
        CLI::App& context =
            group("context", "Choose the cluster that commands speak to", "flocker context use production");
        no_trunc(add(context, "ls", "All clusters that are known here", "flocker context ls",
                     [](const Session& session) { return list_contexts(session); }));
        add(context, "use", "Speak to this cluster from now on", "flocker context use production",
            [this](const Session& session) { return use_context(session, name_); })
            .add_option("NAME", name_, "Its name, as `flocker context ls` shows it")
            ->type_name("CONTEXT")
            ->required();
        add(context, "show", "The cluster that commands speak to",
            "flocker context show --bundle > mine.json      # holds your key: keep it secret\n"
            "  flocker context import mine.json               # on another machine",
            [this](const Session& session) { return show_context(session, bundle_); })
            .add_flag("--bundle", bundle_, "The whole context, key included, to be imported on another machine");
        CLI::App& importing = add(context, "import", "Keep a context file, with what it names, in ~/.config/flocker",
                                  "flocker context import mine.json --name production",
                                  [this](const Session& session) { return import_context(session, file_, name_); });
        importing.add_option("FILE", file_, "A context file")->required();
        importing.add_option("--name", name_, "What to call it; the file's name if not said");
    }

    void extras() {
        for (const ExtraCommand& extra : world_.extra) {
            CLI::App& added = *app_.add_subcommand(extra.name, extra.help);
            added.prefix_command();
            added.fallthrough(false);
            added.set_help_flag();
            added.callback([this, &extra, &added] {
                command_ = [&extra, rest = added.remaining()](const Session&) { return extra.run(rest); };
            });
        }
    }

    [[nodiscard]] std::string path_of_help() const {
        std::string path = "flocker";
        for (const CLI::App* at = &app_; !at->get_subcommands().empty();) {
            at = at->get_subcommands().front();
            path += " " + at->get_name();
        }
        return path;
    }

    const World& world_;
    CLI::App app_;
    GlobalOptions common_;
    Command command_;
    DeployOptions deploy_;
    MoveOptions move_;
    FailoverOptions failover_;
    DrainOptions drain_;
    LogsOptions logs_;
    VerifyOptions verify_;
    RemoveAsideOptions aside_;
    MountOptions mount_;
    std::string name_;
    std::string file_;
    std::string config_folder_{"/etc/flocker"};
    std::vector<std::string> words_;
    std::optional<Duration> lifetime_;
    std::uint32_t latest_{50};
    bool follow_{false};
    bool yes_{false};
    bool bundle_{false};
    bool client_only_{false};
};

}  // namespace

int run(const std::vector<std::string>& arguments, const World& world) {
    std::vector<std::string> rest(arguments.begin() + (arguments.empty() ? 0 : 1), arguments.end());
    if (!arguments.empty() && arguments[0].ends_with("flocker-deploy")) rest.insert(rest.begin(), "deploy");
    const std::string first = rest.empty() ? std::string() : rest.front();
    if (first == "__complete") return complete(world, CommandLine(world).shape(), {rest.begin() + 1, rest.end()});
    if (first == "__shape") {
        world.out << to_json(CommandLine(world).shape()) << std::endl;
        return exit_code::done;
    }
    return CommandLine(world).run(std::move(rest));
}

}  // namespace flocker::cli
