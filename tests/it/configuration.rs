//! Directives: files, command line and standard input at the start, CONFIG afterwards.

use std::fs;

use crate::client::Reply;
use crate::server::{
    Server, ServerOptions, Target, each_form, each_plain_form, free_port, run_to_end,
};

#[test]
fn get_by_name_pattern_and_several() {
    each_plain_form(|server| {
        let mut c = server.client();
        assert_eq!(c.config("maxmemory"), "0");
        assert_eq!(c.config("databases"), "16");
        assert_eq!(c.config("MAXMEMORY-POLICY"), "noeviction");
        assert_eq!(c.config("port"), server.port().to_string());
        assert_eq!(c.config("save"), "");
        assert_eq!(c.config("appendonly"), "no");
        assert_eq!(c.run("CONFIG GET no-such-directive"), Reply::Array(vec![]));
        let all = c.run("CONFIG GET maxmemory*").items();
        assert!(all.len() >= 6 && all.len() % 2 == 0, "{all:?}");
        assert_eq!(c.run("CONFIG GET timeout databases").items().len(), 4);
        assert_eq!(c.run("CONFIG GET timeout timeou?").items().len(), 2, "each once");
        assert!(c.run("CONFIG GET *").items().len() > 60);
        let mut c = server.client3();
        assert!(matches!(c.run("CONFIG GET timeout"), Reply::Map(m) if m.len() == 1));
    });
}

#[test]
fn set_all_or_nothing() {
    each_plain_form(|server| {
        let mut c = server.client();
        assert_eq!(c.run("CONFIG SET maxmemory 100mb timeout 100"), Reply::ok());
        assert_eq!(c.config("maxmemory"), "104857600");
        assert_eq!(c.config("timeout"), "100");
        let failed = |name: &str, why: &str| {
            let head = "ERR CONFIG SET failed (possibly related to argument";
            Reply::error(&format!("{head} '{name}') - {why}"))
        };
        let unknown =
            Reply::error("ERR Unknown option or number of arguments for CONFIG SET - 'foo'");
        let memory = failed("maxmemory", "argument must be a memory value");
        let policies = "argument(s) must be one of the following: volatile-lru, volatile-lfu, \
                        volatile-random, volatile-ttl, allkeys-lru, allkeys-lfu, allkeys-random, \
                        noeviction";
        for (line, reply) in [
            ("CONFIG SET foo bar", unknown.clone()),
            ("CONFIG SET timeout 7 foo bar", unknown),
            ("CONFIG SET timeout 7 maxmemory abc", memory.clone()),
            ("CONFIG SET maxmemory abc", memory),
            ("CONFIG SET databases 5", failed("databases", "can't set immutable config")),
            ("CONFIG SET timeout 7 timeout 8", failed("timeout", "duplicate parameter")),
            ("CONFIG SET maxmemory-policy nope", failed("maxmemory-policy", policies)),
            (
                "CONFIG SET timeout -1",
                failed("timeout", "argument must be between 0 and 2147483647 inclusive"),
            ),
            (
                "CONFIG SET maxmemory-samples 0",
                failed("maxmemory-samples", "argument must be between 1 and 64 inclusive"),
            ),
            ("CONFIG SET hz abc", failed("hz", "argument couldn't be parsed into an integer")),
            (
                "CONFIG SET timeout",
                Reply::error("ERR wrong number of arguments for 'config|set' command"),
            ),
        ] {
            assert_eq!(c.run(line), reply, "{line}");
        }
        assert_eq!(c.config("timeout"), "100", "nothing of a refused CONFIG SET remains");
        for (text, value) in
            [("1k", "1000"), ("1kb", "1024"), ("2GB", "2147483648"), ("3m", "3000000")]
        {
            assert_eq!(c.cmd(&["CONFIG", "SET", "maxmemory", text]), Reply::ok());
            assert_eq!(c.config("maxmemory"), value);
        }
        assert_eq!(c.run("CONFIG SET maxmemory 0"), Reply::ok());
        let limit = "normal 1mb 0 0";
        assert_eq!(c.cmd(&["CONFIG", "SET", "client-output-buffer-limit", limit]), Reply::ok());
        assert!(c.config("client-output-buffer-limit").starts_with("normal 1048576 0 0 "));
        assert_eq!(c.run("CONFIG SET requirepass secret"), Reply::ok());
        let noauth = Reply::error("NOAUTH Authentication required.");
        assert_eq!(server.client().run("PING"), noauth);
        assert_eq!(c.cmd(&["CONFIG", "SET", "requirepass", ""]), Reply::ok());
        assert_eq!(server.client().run("PING"), Reply::Simple(b"PONG".to_vec()));
    });
}

#[test]
fn resetstat_counts_anew() {
    each_plain_form(|server| {
        let mut c = server.client();
        for _ in 0..50 {
            c.run("GET none");
        }
        assert!(c.info_number("keyspace_misses") >= 50);
        assert!(c.info_number("total_commands_processed") >= 50);
        assert_eq!(c.run("CONFIG RESETSTAT"), Reply::ok());
        assert_eq!(c.info_number("keyspace_misses"), 0);
        assert!(c.info_number("total_commands_processed") < 10);
    });
}

#[test]
fn a_file_with_its_include_and_the_command_line_after_it() {
    let file = |mut options: ServerOptions| {
        options.config = Some(
            "# a comment\n\n  maxmemory 50mb\nmaxmemory-policy \"allkeys-lru\"\n\
             databases 4\nTIMEOUT 30\nhz 20\n"
                .to_owned(),
        );
        options.arg(["--maxmemory-policy", "volatile-ttl", "--hz", "50"])
    };
    each_form(file, |server| {
        let mut c = server.client();
        assert_eq!(c.config("maxmemory"), "52428800");
        assert_eq!(c.config("maxmemory-policy"), "volatile-ttl", "the command line comes last");
        assert_eq!(c.config("hz"), "50");
        assert_eq!(c.config("timeout"), "30");
        assert_eq!(c.run("SELECT 3"), Reply::ok());
        assert_eq!(c.run("SELECT 4"), Reply::error("ERR DB index is out of range"));
    });
    let dir = tempfile::tempdir().expect("temporary dir");
    let included = dir.path().join("more.conf");
    fs::write(&included, "maxmemory 7mb\n").expect("write");
    let include = format!("maxmemory 5mb\ninclude {}\n", included.display());
    let with = |mut options: ServerOptions| {
        options.config = Some(include.clone());
        options
    };
    each_form(with, |server| {
        assert_eq!(server.client().config("maxmemory"), "7340032");
    });
}

#[test]
fn a_command_line_is_parted_as_redis_server_parts_it() {
    let whole = |options: ServerOptions| {
        options.arg(["--maxmemory 700mb", "--save", "--timeout", "5", "--hz 20", "--hz", "30"])
    };
    each_form(whole, |server| {
        let mut c = server.client();
        assert_eq!(c.config("maxmemory"), "734003200");
        assert_eq!(c.config("timeout"), "5");
        assert_eq!(c.config("save"), "");
        assert_eq!(c.config("hz"), "30", "the last one counts");
    });
    let password = |options: ServerOptions| {
        ServerOptions { password: Some("--x".to_owned()), ..options }.arg([
            "--requirepass",
            "--x",
            "--timeout",
            "5",
            "--save",
        ])
    };
    each_form(password, |server| {
        let mut c = server.client();
        assert_eq!(c.run("AUTH --x"), Reply::ok());
        assert_eq!(c.config("timeout"), "5");
        assert_eq!(c.config("save"), "");
    });
}

#[test]
fn rewrite_keeps_what_people_wrote() {
    let file = |mut options: ServerOptions| {
        options.config = Some("# my server\nmaxmemory 50mb\n\ntimeout 30\n".to_owned());
        options
    };
    each_form(file, |server| {
        let mut c = server.client();
        assert_eq!(c.run("CONFIG SET maxmemory 60mb maxmemory-samples 7"), Reply::ok());
        assert_eq!(c.run("CONFIG REWRITE"), Reply::ok());
        let path = server.dir().join("server.conf");
        let text = fs::read_to_string(&path).expect("the rewritten file");
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines.contains(&"# my server"), "{text}");
        assert!(lines.contains(&"maxmemory 60mb"), "{text}");
        assert!(lines.contains(&"timeout 30"), "{text}");
        assert!(lines.contains(&"maxmemory-samples 7"), "{text}");
        assert_eq!(lines.iter().filter(|l| l.starts_with("maxmemory ")).count(), 1, "{text}");
        // What was rewritten starts a server with the same values.
        let mut options = ServerOptions::default();
        let kept = |line: &&&str| !line.starts_with("port ") && !line.starts_with("dir ");
        options.config = Some(lines.iter().filter(kept).copied().collect::<Vec<_>>().join("\n"));
        let again = Server::start(options);
        assert_eq!(again.client().config("maxmemory"), "62914560");
        assert_eq!(again.client().config("maxmemory-samples"), "7");
    });
    each_plain_form(|server| {
        assert_eq!(
            server.client().run("CONFIG REWRITE"),
            Reply::error("ERR The server is running without a config file")
        );
    });
}

#[test]
fn what_cannot_be_understood_ends_the_start() {
    let target = Target::from_env();
    let port = free_port().to_string();
    let refused = |args: &[&str], input: &str, says: &str| {
        let (status, text) = run_to_end(target, args, input);
        assert_eq!(status.code(), Some(1), "{args:?}: {text}");
        assert!(text.contains(says), "{args:?} must say {says:?}: {text}");
    };
    refused(&["--port", &port, "--no-such-directive", "1"], "", "no-such-directive");
    refused(&["--port", "70000"], "", "70000");
    refused(&["--port", &port, "--maxmemory", "abc"], "", "abc");
    refused(&["--port", &port, "--maxmemory-policy", "nope"], "", "nope");
    refused(&["--port", &port, "--maxmemory 1mb", "2mb"], "", "wrong number of arguments");
    refused(&["--port", &port, "--timeout", "--hz", "10"], "", "wrong number of arguments");
    refused(&["--port", &port, "--timeout \"5"], "", "Unbalanced quotes");
    refused(&["/no/such/file.conf"], "", "/no/such/file.conf");
    refused(&["-"], "include /no/such/file.conf\n", "/no/such/file.conf");
    refused(&["-"], "port 7000\nfoo bar\n", "foo");
    refused(&["-"], "hz abc\n", "hz");
    refused(&["-"], "maxmemory \"1mb\n", "maxmemory");
}

/// Directives whose value in the files of the next test is not Valkey's default, with the reason.
const OTHER_VALUES: [(&str, &str); 4] = [
    ("bind", "the harness says it"),
    ("dir", "the harness says it"),
    ("port", "the harness says it"),
    ("unixsocket", "the harness says it"),
];

#[test]
fn a_file_that_names_every_directive_of_valkey_starts_the_server() {
    let valkey = Server::start(ServerOptions::default().target(Target::Valkey));
    let pairs = valkey.client().run("CONFIG GET *").items();
    let text = |reply: &Reply| String::from_utf8(reply.bytes().to_vec()).expect("text");
    let known: Vec<(String, String)> = pairs
        .chunks(2)
        .map(|pair| (text(&pair[0]), text(&pair[1])))
        .filter(|(name, _)| OTHER_VALUES.iter().all(|(other, _)| other != name))
        .collect();
    assert!(known.len() > 200, "{}", known.len());
    let file: String = known.iter().map(|(name, value)| format!("{name} \"{value}\"\n")).collect();
    let with = |options: ServerOptions| ServerOptions { config: Some(file.clone()), ..options };
    each_form(with, |server| {
        let mut c = server.client();
        for (name, value) in &known {
            assert_eq!(&c.config(name), value, "{name}");
        }
        let shown = c.run("CONFIG GET *").items();
        let shown: Vec<String> = shown.iter().step_by(2).map(text).collect();
        for (name, _) in &known {
            assert!(shown.contains(name), "{name} is not in CONFIG GET *");
        }
        if Target::from_env() == Target::Baton {
            let log = server.log();
            let notes: Vec<&str> = log
                .lines()
                .filter(|line| line.contains("without effect in this version"))
                .collect();
            assert_eq!(notes.len(), 1, "{log}");
            assert!(notes[0].contains(" repl-timeout") && !notes[0].contains("maxclients"));
        }
    });
}

#[test]
fn what_has_no_effect_can_still_be_set_and_written() {
    let file = |mut options: ServerOptions| {
        options.config = Some("slave-priority 7\nrepl-backlog-size 2mb\n".to_owned());
        options
    };
    each_form(file, |server| {
        let mut c = server.client();
        assert_eq!(c.config("replica-priority"), "7");
        assert_eq!(c.config("slave-priority"), "7");
        assert_eq!(c.run("CONFIG SET repl-timeout 61 replica-priority 8"), Reply::ok());
        assert_eq!(
            c.run("CONFIG SET repl-timeout 0"),
            Reply::error(
                "ERR CONFIG SET failed (possibly related to argument 'repl-timeout') - argument \
                 must be between 1 and 2147483647 inclusive"
            )
        );
        assert_eq!(c.run("CONFIG REWRITE"), Reply::ok());
        let text = fs::read_to_string(server.dir().join("server.conf")).expect("the file");
        for line in ["repl-backlog-size 2mb", "repl-timeout 61", "replica-priority 8"] {
            assert!(text.lines().any(|known| known == line), "{line}: {text}");
        }
    });
}

#[test]
fn what_would_break_a_promise_ends_the_start() {
    if Target::from_env() != Target::Baton {
        return;
    }
    for line in [
        "replicaof 127.0.0.1 6379",
        "cluster-enabled yes",
        "tls-port 6380",
        "aclfile users.acl",
        "user alice on nopass ~* +@all",
        "rename-command FLUSHALL \"\"",
        "loadmodule /a.so",
        "min-replicas-to-write 1",
        "appendonly yes",
        "save 3600 1",
    ] {
        let (status, text) = run_to_end(Target::Baton, &["-"], line);
        assert_eq!(status.code(), Some(1), "{line}: {text}");
        assert!(text.contains("this version of Baton"), "{line}: {text}");
    }
}

#[test]
fn help_and_version_end_well() {
    let target = Target::from_env();
    let (status, text) = run_to_end(target, &["--version"], "");
    assert!(status.success());
    if target == Target::Baton {
        assert!(text.contains(env!("CARGO_PKG_VERSION")), "{text}");
    }
    let (status, text) = run_to_end(target, &["--help"], "");
    assert!(status.success());
    if target == Target::Baton {
        for flag in ["--shards", "--acceptors", "--lend", "--port", "--bind", "--unixsocket"] {
            assert!(text.contains(flag), "{flag} is missing: {text}");
        }
    }
}

#[test]
fn shards_and_lending_are_directives_too() {
    if Target::from_env() != Target::Baton {
        return;
    }
    for options in ServerOptions::matrix() {
        let server = Server::start(options.clone());
        let mut c = server.client();
        assert_eq!(c.config("shards"), options.shards.to_string());
        assert_eq!(c.config("lend"), if options.lend { "yes" } else { "no" });
    }
    let server = Server::start(ServerOptions::default().arg(["--acceptor-linger-us", "7"]));
    let mut c = server.client();
    assert_eq!(c.config("acceptor-linger-us"), "7");
    assert_eq!(c.run("CONFIG SET acceptor-linger-us 1001").text().split(' ').next(), Some("ERR"));
    for shards in ["0", "-1", "x", "100000"] {
        let (status, text) = run_to_end(Target::Baton, &["--shards", shards], "");
        assert!(!status.success(), "--shards {shards}: {text}");
    }
}
