//! What a server says of itself: COMMAND, INFO, SLOWLOG, LATENCY, DEBUG, TIME, LOLWUT.
//!
//! The rows of COMMAND are facts of the interface: they are held against those of Valkey for
//! every command that the server has.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::client::{Client, Reply};
use crate::server::{Server, ServerOptions, Target, each_form, each_plain_form};
use crate::wait::{unix_ms, wait_until};

/// The reference, and the names of all commands and subcommands of the server under test.
fn reference_and_names(c: &mut Client) -> (Server, Vec<String>) {
    let reference = Server::start(ServerOptions::default().target(Target::Valkey));
    let mut names: Vec<String> = c.run("COMMAND LIST").items().iter().map(Reply::text).collect();
    names.sort();
    assert!(names.len() > 60, "{names:?}");
    (reference, names)
}

/// The elements of a list as a set of texts.
fn texts(list: &Reply) -> BTreeSet<String> {
    list.items().iter().map(Reply::text).collect()
}

/// A map reply, or a flat list of pairs, by field name.
fn fields(reply: &Reply) -> BTreeMap<String, Reply> {
    let flat = reply.items();
    flat.chunks(2).map(|pair| (pair[0].text(), pair[1].clone())).collect()
}

/// The parts of a row of COMMAND INFO that are compared, as one text.
fn row(info: &Reply) -> String {
    let items = info.items();
    let specs: Vec<String> = items[8].items().iter().map(key_spec).collect();
    format!(
        "{} arity {} flags {:?} keys {} {} {} categories {:?} tips {:?} specs {specs:?}",
        items[0],
        items[1],
        texts(&items[2]),
        items[3],
        items[4],
        items[5],
        texts(&items[6]),
        texts(&items[7])
    )
}

/// A key specification: where keys begin, how they are found, how they are used. Its notes are
/// prose.
fn key_spec(spec: &Reply) -> String {
    let fields = fields(spec);
    let part = |name: &str| fields.get(name).map_or(String::new(), ToString::to_string);
    format!("{:?} {} {}", texts(&fields["flags"]), part("begin_search"), part("find_keys"))
}

#[test]
fn command_rows_are_those_of_the_reference() {
    let server = Server::start(ServerOptions::default());
    let mut c = server.client();
    let (reference, names) = reference_and_names(&mut c);
    let mut reference = reference.client();
    let mut wrong = Vec::new();
    for name in &names {
        let expected = reference.cmd(&["COMMAND", "INFO", name]).items().remove(0);
        let Reply::Array(_) = expected else {
            continue; // a command of our own
        };
        let got = c.cmd(&["COMMAND", "INFO", name]).items().remove(0);
        if row(&got) != row(&expected) {
            wrong.push(format!("reference {}\n     ours {}", row(&expected), row(&got)));
        }
    }
    assert!(wrong.is_empty(), "{} rows differ:\n{}", wrong.len(), wrong.join("\n"));
}

/// The syntax that COMMAND DOCS describes, without its prose: redis-cli's hints hang on it.
fn syntax(arguments: &Reply) -> String {
    let arguments = arguments.items();
    let one = |argument: &Reply| {
        let fields = fields(argument);
        let get = |name: &str| fields.get(name).map_or(String::new(), Reply::text);
        let flags = fields.get("flags").map(texts).unwrap_or_default();
        let children = fields.get("arguments").map_or(String::new(), syntax);
        let (name, kind, token) = (get("name"), get("type"), get("token"));
        format!("{name}:{kind}:{token}{flags:?}{children}")
    };
    let parts: Vec<String> = arguments.iter().map(one).collect();
    format!("({})", parts.join(" "))
}

/// Commands that have more options in Redis 8.2 than in Valkey, and so here.
const AS_IN_REDIS: &[&str] = &["bitop"];

#[test]
fn command_docs_describe_the_syntax_of_the_reference() {
    let server = Server::start(ServerOptions::default());
    let redis = Server::start(ServerOptions::default().target(Target::Redis));
    let mut c = server.client();
    let (reference, names) = reference_and_names(&mut c);
    let (mut valkey, mut redis) = (reference.client(), redis.client());
    let mut wrong = Vec::new();
    for name in names.iter().filter(|name| !name.contains('|')) {
        let is_redis = AS_IN_REDIS.contains(&name.as_str());
        let reference = if is_redis { &mut redis } else { &mut valkey };
        let Some(expected) = fields(&reference.cmd(&["COMMAND", "DOCS", name])).remove(name) else {
            continue; // a command of our own
        };
        let got = fields(&c.cmd(&["COMMAND", "DOCS", name])).remove(name);
        let Some(got) = got else {
            wrong.push(format!("{name}: nothing"));
            continue;
        };
        let (expected, got) = (fields(&expected), fields(&got));
        for field in ["since", "group"] {
            if got.get(field) != expected.get(field) {
                wrong.push(format!("{name} {field}: {:?}", got.get(field)));
            }
        }
        let syntax =
            |docs: &BTreeMap<String, Reply>| docs.get("arguments").map_or(String::new(), syntax);
        if syntax(&got) != syntax(&expected) {
            let (expected, got) = (syntax(&expected), syntax(&got));
            wrong.push(format!("{name}\n  reference {expected}\n       ours {got}"));
        }
        if got.get("summary").is_none_or(|summary| summary.text().is_empty()) {
            wrong.push(format!("{name}: no summary"));
        }
    }
    assert!(wrong.is_empty(), "{} descriptions differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn command_and_its_subcommands() {
    each_plain_form(|server| {
        let mut c = server.client();
        let all = c.run("COMMAND").items().len();
        assert_eq!(c.run("COMMAND COUNT").int(), all as i64);
        assert_eq!(c.run("COMMAND INFO nosuch"), Reply::Array(vec![Reply::NullBulk]));
        assert_eq!(c.run("COMMAND INFO get set").items().len(), 2);
        assert_eq!(c.run("COMMAND DOCS nosuch"), Reply::Array(vec![]));
        let strings = texts(&c.run("COMMAND LIST FILTERBY ACLCAT string"));
        assert!(strings.contains("get") && !strings.contains("del"), "{strings:?}");
        let sets = texts(&c.run("COMMAND LIST FILTERBY PATTERN set*"));
        assert!(sets.contains("setrange") && !sets.contains("get"), "{sets:?}");
        assert_eq!(c.run("COMMAND LIST FILTERBY MODULE nope"), Reply::Array(vec![]));
        assert_eq!(c.run("COMMAND LIST FILTERBY nope x"), Reply::error("ERR syntax error"));
        let text = "ERR The command has no key arguments";
        assert_eq!(c.run("COMMAND GETKEYS PING"), Reply::error(text));
        let text = "ERR Invalid command specified";
        assert_eq!(c.run("COMMAND GETKEYS NOSUCH x"), Reply::error(text));
        let text = "ERR Invalid number of arguments specified for command";
        assert_eq!(c.run("COMMAND GETKEYS GET"), Reply::error(text));
        assert_eq!(
            texts(&c.run("COMMAND GETKEYS MSET a 1 b 2")),
            ["a", "b"].map(str::to_owned).into()
        );
        let mut c = server.client3();
        assert!(matches!(c.run("COMMAND DOCS get"), Reply::Map(_)));
        let info = c.run("COMMAND INFO get").items().remove(0).items();
        assert!(matches!(info[2], Reply::Set(_)), "{}", info[2]);
    });
}

#[test]
fn info_by_sections() {
    each_plain_form(|server| {
        let mut c = server.client();
        c.run("SET k v");
        c.run("GET k");
        c.run("INCR k");
        c.run("NOSUCH");
        let sections = |c: &mut Client, line: &str| -> Vec<String> {
            let text = c.run(line).text();
            text.lines().filter_map(|l| l.strip_prefix("# ")).map(str::to_owned).collect()
        };
        let plain = sections(&mut c, "INFO");
        let most = ["Server", "Clients", "Memory", "Persistence", "Stats", "Replication", "CPU"];
        for name in most.iter().chain(&["Errorstats", "Cluster", "Keyspace"]) {
            assert!(plain.iter().any(|s| s == name), "no {name}: {plain:?}");
        }
        assert!(!plain.iter().any(|s| s == "Commandstats"));
        assert_eq!(sections(&mut c, "INFO server"), ["Server"]);
        assert_eq!(sections(&mut c, "INFO CLIENTS memory"), ["Clients", "Memory"]);
        assert_eq!(sections(&mut c, "INFO default"), plain);
        assert!(sections(&mut c, "INFO everything").len() > plain.len());
        assert_eq!(c.run("INFO nosuch"), Reply::bulk(""));
        for field in [
            "redis_version",
            "os",
            "arch_bits",
            "process_id",
            "run_id",
            "tcp_port",
            "uptime_in_seconds",
            "hz",
            "executable",
            "config_file",
            "connected_clients",
            "maxclients",
            "blocked_clients",
            "used_memory",
            "used_memory_human",
            "used_memory_rss",
            "used_memory_peak",
            "used_memory_dataset",
            "total_system_memory",
            "maxmemory",
            "maxmemory_policy",
            "mem_fragmentation_ratio",
            "mem_allocator",
            "loading",
            "rdb_changes_since_last_save",
            "aof_enabled",
            "total_connections_received",
            "total_commands_processed",
            "instantaneous_ops_per_sec",
            "total_net_input_bytes",
            "total_net_output_bytes",
            "rejected_connections",
            "expired_keys",
            "evicted_keys",
            "keyspace_hits",
            "keyspace_misses",
            "total_error_replies",
            "role",
            "connected_slaves",
            "master_replid",
            "master_repl_offset",
            "used_cpu_sys",
            "used_cpu_user",
            "cluster_enabled",
        ] {
            c.info(field);
        }
        assert_eq!(c.info("tcp_port"), server.port().to_string());
        assert_eq!(c.info("process_id"), server.pid().to_string());
        assert_eq!(c.info("role"), "master");
        assert_eq!(c.info("keyspace_hits"), "1");
        assert_eq!(c.info("cmdstat_get").split(',').next(), Some("calls=1"));
        assert!(c.info("cmdstat_incr").contains("failed_calls=1"), "{}", c.info("cmdstat_incr"));
        assert_eq!(c.info("errorstat_ERR"), "count=2");
        assert!(c.info("latency_percentiles_usec_get").starts_with("p50="));
        assert!(c.info_number("total_commands_processed") >= 20);
        let Reply::Verbatim(kind, _) = server.client3().run("INFO") else { panic!("not verbatim") };
        assert_eq!(&kind, b"txt");
    });
}

#[test]
fn slow_commands_are_logged() {
    each_form(
        |options| options.arg(["--slowlog-log-slower-than", "0"]),
        |server| {
            let mut c = server.client();
            c.run("CLIENT SETNAME me");
            assert_eq!(c.run("SLOWLOG RESET"), Reply::ok());
            c.run("SET slow 1");
            c.cmd(&["SET", "long", &"x".repeat(300)]);
            let mut many = vec!["MGET".to_owned()];
            many.extend((0..50).map(|i| format!("k{i}")));
            c.cmd(&many);
            let entries = c.run("SLOWLOG GET -1").items();
            let find = |name: &str, nth: &str| {
                let is = |e: &&Reply| {
                    let args = e.items()[3].items();
                    args[0].text() == name && args[1].text() == nth
                };
                entries
                    .iter()
                    .find(is)
                    .unwrap_or_else(|| panic!("no {name} {nth}: {entries:?}"))
                    .items()
            };
            let entry = find("SET", "slow");
            assert_eq!(entry.len(), 6);
            let at = entry[1].int() * 1000;
            assert!((unix_ms() - 60_000..unix_ms() + 5_000).contains(&at));
            assert!(entry[2].int() >= 0);
            assert!(entry[4].text().starts_with("127.0.0.1:"));
            assert_eq!(entry[5].text(), "me");
            let long = find("SET", "long")[3].items()[2].text();
            assert!(long.ends_with("... (172 more bytes)"), "{long}");
            // Over several shards too it is the one request that the client sent.
            let many = find("MGET", "k0")[3].items();
            assert_eq!(many.len(), 32);
            assert_eq!(many[31].text(), "... (20 more arguments)");
            assert!(c.run("SLOWLOG LEN").int() >= 3);
            assert_eq!(c.run("SLOWLOG GET 2").items().len(), 2);
            let text = "ERR count should be greater than or equal to -1";
            assert_eq!(c.run("SLOWLOG GET -2"), Reply::error(text));
            c.run("CONFIG SET slowlog-log-slower-than -1");
            c.run("SLOWLOG RESET");
            c.run("SET slow 1");
            assert_eq!(c.run("SLOWLOG LEN"), Reply::Int(0));
            assert_eq!(c.run("SLOWLOG GET"), Reply::Array(vec![]));
            assert_eq!(
                c.run("CONFIG SET slowlog-log-slower-than 0 slowlog-max-len 5"),
                Reply::ok()
            );
            for _ in 0..20 {
                c.run("SET slow 1");
            }
            assert_eq!(c.run("SLOWLOG LEN"), Reply::Int(5));
        },
    );
}

#[test]
fn latency_is_measured() {
    let watch = |options: ServerOptions| {
        options.arg(["--enable-debug-command", "yes", "--latency-monitor-threshold", "20"])
    };
    each_form(watch, |server| {
        let mut c = server.client3();
        for _ in 0..30 {
            c.run("SET k v");
        }
        let histogram = fields(&c.run("LATENCY HISTOGRAM set nosuch"));
        let set = fields(&histogram["set"]);
        assert_eq!(set["calls"], Reply::Int(30));
        assert!(!set["histogram_usec"].items().is_empty());
        assert_eq!(histogram.len(), 1);
        assert_eq!(c.run("LATENCY LATEST"), Reply::Array(vec![]));
        assert_eq!(c.run("DEBUG SLEEP 0.05"), Reply::ok());
        let latest = c.run("LATENCY LATEST").items();
        let entry = latest.iter().map(Reply::items).find(|e| e[0] == Reply::bulk("command"));
        let entry = entry.unwrap_or_else(|| panic!("no command: {latest:?}"));
        assert!(entry[2].int() >= 50, "{entry:?}");
        let history = c.run("LATENCY HISTORY command").items();
        assert!(history[0].items()[1].int() >= 50);
        assert!(c.run("LATENCY GRAPH command").text().contains("command - high"));
        assert!(!c.run("LATENCY DOCTOR").text().is_empty());
        assert!(c.run("LATENCY RESET command").int() >= 1);
        assert_eq!(c.run("LATENCY HISTORY command"), Reply::Array(vec![]));
        let text = "ERR No samples available for event 'command'";
        assert_eq!(c.run("LATENCY GRAPH command"), Reply::error(text));
        assert_eq!(c.run("LATENCY RESET"), Reply::Int(0));
    });
}

/// Writes a set that takes longer than a millisecond to take apart.
fn write_big_set(c: &mut Client) {
    let add = |part: usize| {
        let members = (0..1000).map(|at| format!("a member of a big set {part}:{at}"));
        ["SADD".to_owned(), "big".to_owned()].into_iter().chain(members).collect()
    };
    let commands: Vec<Vec<String>> = (0..200).map(add).collect();
    assert!(c.pipeline(&commands).iter().all(|reply| *reply == Reply::Int(1000)));
}

/// The events that the latency monitor has seen; each has a history and figures that fit.
fn events(c: &mut Client) -> BTreeSet<String> {
    let latest = c.run("LATENCY LATEST").items();
    let name_of = |event: &Reply| {
        let event = event.items();
        let history = c.run(&format!("LATENCY HISTORY {}", event[0].text())).items();
        let last = history.last().expect("an event has a history").items();
        assert_eq!(last[..], event[1..3], "the last second of {}", event[0]);
        assert!((1..=event[3].int()).contains(&event[2].int()), "{event:?}");
        event[0].text()
    };
    latest.iter().map(name_of).collect()
}

#[test]
fn expiry_and_eviction_are_events_of_the_latency_monitor() {
    let watch = |options: ServerOptions| {
        let in_place = ["--lazyfree-lazy-expire", "no", "--lazyfree-lazy-eviction", "no"];
        let options = options.arg(["--enable-debug-command", "local"]);
        options.arg(["--latency-monitor-threshold", "1"]).arg(in_place)
    };
    each_form(watch, |server| {
        let mut c = server.client();
        let patience = Duration::from_secs(20);
        write_big_set(&mut c);
        c.run("LATENCY RESET");
        c.run("PEXPIRE big 1");
        // DBSIZE touches no key: the background alone removes it.
        assert!(wait_until(patience, || c.run("DBSIZE") == Reply::Int(0)));
        let seen = events(&mut c);
        assert!(seen.contains("expire-cycle") && seen.contains("expire-del"), "{seen:?}");
        assert!(!seen.iter().any(|event| event.starts_with("eviction")), "{seen:?}");

        // Who asks for it removes it if the background does not.
        assert_eq!(c.run("DEBUG SET-ACTIVE-EXPIRE 0"), Reply::ok());
        write_big_set(&mut c);
        c.run("LATENCY RESET");
        c.run("PEXPIRE big 1");
        assert!(wait_until(patience, || c.run("EXISTS big") == Reply::Int(0)));
        let seen = events(&mut c);
        assert!(seen.contains("expire-del"), "{seen:?}");
        assert_eq!(c.run("DEBUG SET-ACTIVE-EXPIRE 1"), Reply::ok());

        write_big_set(&mut c);
        c.run("LATENCY RESET");
        c.run("CONFIG SET maxmemory-policy allkeys-lru");
        let limit = (c.info_number("used_memory") - (1 << 20)).to_string();
        c.cmd(&["CONFIG", "SET", "maxmemory", &limit]);
        let evicted = || {
            c.run("SET small 1");
            c.run("EXISTS big") == Reply::Int(0)
        };
        assert!(wait_until(patience, evicted));
        let seen = events(&mut c);
        assert!(seen.contains("eviction-cycle") && seen.contains("eviction-del"), "{seen:?}");
        assert!(!seen.contains("expire-cycle"), "{seen:?}");
        c.run("CONFIG SET latency-monitor-threshold 0 maxmemory 0");
        c.run("LATENCY RESET");
        write_big_set(&mut c);
        c.run("PEXPIRE big 1");
        assert!(wait_until(patience, || c.run("EXISTS big") == Reply::Int(0)));
        assert!(events(&mut c).is_empty(), "nobody watches");
    });
}

/// `tot-cmds` of a line that CLIENT INFO or CLIENT LIST gives.
fn commands_of(line: &Reply) -> String {
    let line = line.text();
    let words = line.split_ascii_whitespace();
    words.filter_map(|word| word.strip_prefix("tot-cmds=")).collect()
}

/// A command counts when it has been run: not the one that asks, not one that waits, and those of
/// a transaction one by one.
#[test]
fn the_commands_of_a_client_are_counted_when_they_end() {
    let look = |server: &Server| {
        let (mut c, mut waiting) = (server.client(), server.client());
        let id = waiting.run("CLIENT ID").int();
        let mut seen = Vec::new();
        let lines = "CLIENT INFO;SET k v;GET k;CLIENT INFO;NOSUCH;GET;CLIENT INFO;WATCH k;CLIENT INFO;\
                     MULTI;GET k;CLIENT INFO;PING;CLIENT INFO;EXEC;CLIENT INFO;MULTI;DISCARD;\
                     CLIENT INFO;WATCH k;SET k w;MULTI;PING;EXEC;EXEC;UNWATCH;CLIENT INFO;\
                     MULTI;GET k;RESET;CLIENT INFO";
        for line in lines.split(';') {
            match c.run(line) {
                Reply::Array(items) if items.len() == 4 => {
                    seen.extend([&items[1], &items[3]].map(commands_of));
                }
                reply if line == "CLIENT INFO" && reply != Reply::Simple(b"QUEUED".to_vec()) => {
                    seen.push(commands_of(&reply));
                }
                _ => {}
            }
        }
        waiting.send(&["BLPOP", "none", "0"]);
        assert!(wait_until(Duration::from_secs(10), || c.info_number("blocked_clients") == 1));
        seen.push(commands_of(&c.run(&format!("CLIENT LIST ID {id}"))));
        assert_eq!(c.run("RPUSH none x"), Reply::Int(1));
        assert!(!waiting.read().is_error());
        seen.push(commands_of(&waiting.run("CLIENT INFO")));
        seen
    };
    let reference = Server::start(ServerOptions::new(1, true).target(Target::Valkey));
    let expected = look(&reference);
    assert_eq!(expected[0], "0");
    each_plain_form(|server| assert_eq!(look(server), expected, "{} shards", server.shards()));
}

/// However many shards have a part in it.
#[test]
fn a_split_command_is_one_call() {
    each_plain_form(|server| {
        let mut c = server.client();
        let keys: Vec<String> = (0..40).map(|at| format!("key:{at}")).collect();
        let pairs: Vec<String> =
            keys.iter().flat_map(|key| [key.clone(), "v".to_owned()]).collect();
        assert_eq!(c.run("CONFIG RESETSTAT"), Reply::ok());
        let run = |c: &mut Client, name: &str, args: &[String]| {
            let words = [&[name.to_owned()], args].concat();
            assert!(!c.cmd(&words).is_error(), "{name}");
        };
        for name in ["exists", "touch", "mget", "del", "unlink"] {
            for _ in 0..3 {
                run(&mut c, "mset", &pairs);
                run(&mut c, name, &keys);
            }
        }
        let named = |words: &str| words.split(' ').map(str::to_owned).collect::<Vec<_>>();
        for (name, args) in [("dbsize", ""), ("keys", "*"), ("scan", "0"), ("flushdb", "")] {
            for _ in 0..3 {
                let args = if args.is_empty() { Vec::new() } else { named(args) };
                run(&mut c, name, &args);
            }
        }
        let all = ["exists", "touch", "mget", "del", "unlink", "dbsize", "keys", "scan", "flushdb"];
        let histogram = fields(&c.cmd(&[&["LATENCY", "HISTOGRAM", "mset"][..], &all].concat()));
        for (name, calls) in all.map(|name| (name, 3)).into_iter().chain([("mset", 15)]) {
            let stat = c.info(&format!("cmdstat_{name}"));
            assert!(stat.starts_with(&format!("calls={calls},")), "{name}: {stat}");
            assert!(stat.ends_with("rejected_calls=0,failed_calls=0"), "{name}: {stat}");
            assert_eq!(fields(&histogram[name])["calls"], Reply::Int(calls), "{name}");
        }
        let commands = c.info_number("total_commands_processed");
        // What was run above, RESETSTAT's own reply apart, and what asked for it.
        assert!((42..80).contains(&commands), "{commands}");
    });
}

#[test]
fn debug_only_when_allowed() {
    each_plain_form(|server| {
        let reply = server.client().run("DEBUG SLEEP 0");
        let text = "ERR DEBUG command not allowed. If the enable-debug-command option is set to \
                    \"local\", you can run it from a local connection, otherwise you need to set \
                    this option in the configuration file, and then restart the server.";
        assert_eq!(reply, Reply::error(text));
    });
    each_form(
        |options| options.arg(["--enable-debug-command", "local"]),
        |server| {
            let mut c = server.client();
            assert_eq!(c.run("DEBUG SLEEP 0.01"), Reply::ok());
            c.run("SET k v");
            let object = c.run("DEBUG OBJECT k").text();
            assert!(object.starts_with("Value at:0x"), "{object}");
            assert!(object.contains(" encoding:embstr "), "{object}");
            assert_eq!(c.run("DEBUG OBJECT none"), Reply::error("ERR no such key"));
            assert!(c.run("DEBUG HTSTATS 0").text().contains("[Dictionary HT]"));
            assert_eq!(c.run("DEBUG CHANGE-REPL-ID"), Reply::ok());
            assert!(!c.run("DEBUG PROTOCOL integer").is_error());
            let text =
                "ERR unknown subcommand or wrong number of arguments for 'nope'. Try DEBUG HELP.";
            assert_eq!(c.run("DEBUG nope"), Reply::error(text));
        },
    );
}

#[test]
fn debug_protocol_shows_every_type() {
    let debug = |options: ServerOptions| options.arg(["--enable-debug-command", "yes"]);
    each_form(debug, |server| {
        for protocol in [2, 3] {
            let reference = Server::start(
                ServerOptions::default()
                    .target(Target::Valkey)
                    .arg(["--enable-debug-command", "yes"]),
            );
            let (mut ours, mut theirs) = (server.client(), reference.client());
            if protocol == 3 {
                ours.hello3();
                theirs.hello3();
            }
            for kind in [
                "string", "integer", "double", "null", "array", "set", "map", "attrib", "bignum",
                "true", "false", "verbatim",
            ] {
                if protocol == 2 && kind == "attrib" {
                    continue;
                }
                let args = ["DEBUG", "PROTOCOL", kind];
                assert_eq!(ours.cmd(&args), theirs.cmd(&args), "RESP{protocol} {kind}");
            }
        }
    });
}

#[test]
fn time_and_lolwut() {
    each_plain_form(|server| {
        let mut c = server.client();
        let time = c.run("TIME").items();
        let seconds: i64 = time[0].text().parse().expect("seconds");
        let micros: i64 = time[1].text().parse().expect("microseconds");
        assert!((seconds * 1000 - unix_ms()).abs() < 5_000);
        assert!((0..1_000_000).contains(&micros));
        let text = c.run("LOLWUT").text();
        assert!(text.contains("ver"), "{text}");
        assert!(!c.run("LOLWUT VERSION 5 10 10 10").is_error());
    });
}

#[test]
fn an_idle_server_uses_no_cpu() {
    each_plain_form(|server| {
        let mut c = server.client();
        for i in 0..100 {
            c.cmd(&["SET", &format!("k{i}"), "v"]);
        }
        let ticks = || -> u64 {
            let stat = std::fs::read_to_string(format!("/proc/{}/stat", server.pid()));
            let stat = stat.expect("the process is there");
            let fields: Vec<&str> =
                stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
            // utime and stime, in ticks of 10 ms: fields 14 and 15, the first two are cut off.
            [fields[11], fields[12]].iter().map(|f| f.parse::<u64>().expect("ticks")).sum()
        };
        let before = ticks();
        // Time has to pass here: nothing is waited for.
        wait_until(Duration::from_secs(2), || false);
        let used = ticks() - before;
        assert!(used <= 8, "{used} ticks of 10 ms in 2 s");
    });
}

/// As Valkey has it: the time of an EXEC is that of all its commands, which the slow log has one by
/// one; what steers a transaction counts as a command.
#[test]
fn transactions_are_seen_by_the_figures() {
    let debug = |options: ServerOptions| options.arg(["--enable-debug-command", "yes"]);
    each_form(debug, |server| {
        let mut c = server.client();
        c.run("CONFIG SET slowlog-log-slower-than 0 latency-monitor-threshold 20");
        c.run("SLOWLOG RESET");
        for line in ["MULTI", "SET a 1", "DEBUG SLEEP 0.03", "EXEC", "DISCARD", "MULTI"] {
            c.run(line);
        }
        c.run("SET b a-value-of-some-length");
        c.run("DISCARD");
        c.run("CONFIG SET slowlog-log-slower-than -1");
        let exec = c.info("cmdstat_exec");
        let usec = exec.split(',').find_map(|field| field.strip_prefix("usec="));
        let usec: u64 = usec.and_then(|usec| usec.parse().ok()).unwrap_or(0);
        assert!(exec.starts_with("calls=1,") && usec >= 30_000, "{exec}");
        assert!(c.info("cmdstat_multi").starts_with("calls=2,"));
        let discard = c.info("cmdstat_discard");
        assert!(
            discard.starts_with("calls=2,") && discard.ends_with("failed_calls=1"),
            "{discard}"
        );
        let entries = c.run("SLOWLOG GET -1").items();
        let logged: Vec<String> =
            entries.iter().map(|entry| entry.items()[3].items()[0].text()).collect();
        assert!(logged.contains(&"MULTI".to_owned()) && logged.contains(&"SET".to_owned()));
        assert!(!logged.contains(&"EXEC".to_owned()), "{logged:?}");
        let events = c.run("LATENCY LATEST").items();
        assert!(events.iter().any(|event| event.items()[0].text() == "command"), "{events:?}");
    });
}

#[test]
fn what_is_queued_is_seen_as_memory() {
    let server = Server::start(ServerOptions::default());
    let (mut c, mut other) = (server.client(), server.client());
    let id = c.run("CLIENT ID").int();
    let mut held = || {
        let line = other.run(&format!("CLIENT LIST ID {id}")).text();
        let field = line.split(' ').find_map(|field| field.strip_prefix("multi-mem="));
        field.and_then(|bytes| bytes.trim().parse::<u64>().ok()).expect("a number")
    };
    c.run("MULTI");
    assert_eq!(held(), 0);
    c.cmd(&["SET", "key", &"v".repeat(10_000)]);
    assert!((10_000..12_000).contains(&held()), "{}", held());
    c.run("EXEC");
    assert_eq!(held(), 0);
}
