//! Where the keys of requests are, command by command, as the reference finds them.
//!
//! The rows themselves are compared in `introspection`. Here requests are made from each row's
//! own documentation, so that a command that is added is asked about without a word here.

use std::collections::BTreeMap;

use crate::client::{Client, Reply};
use crate::server::{Server, ServerOptions, Target};

/// A map reply, or a flat list of pairs, by field name.
fn fields(reply: &Reply) -> BTreeMap<String, Reply> {
    let flat = reply.items();
    flat.chunks(2).map(|pair| (pair[0].text(), pair[1].clone())).collect()
}

/// How much of what a command may be given is given.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fill {
    /// What must be.
    Least,
    /// Everything once, the first of alternatives.
    All,
    /// Everything, what may be repeated three times, the last of alternatives.
    Most,
}

/// Words that satisfy a list of arguments as COMMAND DOCS describes it. Keys are numbered, and a
/// number of keys is the number of those that follow.
fn words(arguments: &Reply, fill: Fill, keys: &mut usize) -> Vec<String> {
    let mut out = Vec::new();
    for argument in arguments.items() {
        let argument = fields(&argument);
        let text = |name: &str| argument.get(name).map_or(String::new(), Reply::text);
        let flags: Vec<String> = argument
            .get("flags")
            .map(|flags| flags.items().iter().map(Reply::text).collect())
            .unwrap_or_default();
        let has = |flag: &str| flags.iter().any(|one| one == flag);
        if has("optional") && fill == Fill::Least {
            continue;
        }
        let times = if has("multiple") && fill == Fill::Most { 3 } else { 1 };
        let token = text("token");
        for time in 0..times {
            let is_pure = text("type") == "pure-token";
            if !token.is_empty() && (time == 0 || has("multiple_token") || is_pure) {
                out.push(token.clone());
            }
            match text("type").as_str() {
                "pure-token" => {}
                "key" => {
                    *keys += 1;
                    out.push(format!("key{keys}"));
                }
                "block" => out.extend(words(&argument["arguments"], fill, keys)),
                "oneof" => {
                    let choices = argument["arguments"].items();
                    let choice = if fill == Fill::Most { choices.last() } else { choices.first() };
                    let choice = Reply::Array(choice.into_iter().cloned().collect());
                    out.extend(words(&choice, fill, keys));
                }
                "integer" if text("name") == "numkeys" => {
                    out.push(if fill == Fill::Most { "3" } else { "1" }.to_owned());
                }
                "integer" | "double" | "unix-time" => out.push("7".to_owned()),
                _ => out.push("word".to_owned()),
            }
        }
    }
    out
}

/// The documentation of a command and of its subcommands by name.
fn documented(c: &mut Client, name: &str) -> Vec<(String, Reply)> {
    let all = fields(&c.cmd(&["COMMAND", "DOCS", name]));
    let Some(docs) = all.get(name) else { return Vec::new() };
    let subcommands = fields(docs).get("subcommands").map(fields).unwrap_or_default();
    std::iter::once((name.to_owned(), docs.clone())).chain(subcommands).collect()
}

/// Requests for the command of this name, whole ones and cut ones.
fn requests(name: &str, docs: &Reply) -> Vec<Vec<String>> {
    let none = Reply::Array(Vec::new());
    let docs = fields(docs);
    let arguments = docs.get("arguments").unwrap_or(&none);
    let mut requests = Vec::new();
    for fill in [Fill::Least, Fill::All, Fill::Most] {
        let mut request: Vec<String> = name.split('|').map(str::to_owned).collect();
        request.extend(words(arguments, fill, &mut 0));
        let cut = request[..request.len() - 1].to_vec();
        requests.extend([request, cut]);
    }
    requests
}

#[test]
fn keys_are_where_the_reference_finds_them() {
    let server = Server::start(ServerOptions::default());
    let reference = Server::start(ServerOptions::default().target(Target::Valkey));
    let (mut ours, mut theirs) = (server.client(), reference.client());
    let names: Vec<String> = ours.run("COMMAND LIST").items().iter().map(Reply::text).collect();
    let (mut asked, mut with_keys, mut wrong) = (0, 0, Vec::new());
    for name in names.iter().filter(|name| !name.contains('|')) {
        // By the reference's documentation: ours is compared to it elsewhere.
        for (name, docs) in documented(&mut theirs, name) {
            if !names.contains(&name) {
                continue;
            }
            for request in requests(&name, &docs).iter().filter(|request| !request.is_empty()) {
                for sub in ["GETKEYS", "GETKEYSANDFLAGS"] {
                    let line: Vec<&str> =
                        ["COMMAND", sub].into_iter().chain(request.iter().map(|w| &**w)).collect();
                    let (got, expected) = (ours.cmd(&line), theirs.cmd(&line));
                    asked += 1;
                    with_keys += usize::from(!expected.is_error());
                    if got != expected {
                        wrong.push(format!("{line:?}\n  reference {expected}\n       ours {got}"));
                    }
                }
            }
        }
    }
    assert!(asked > 500 && with_keys > 200, "{asked} asked, {with_keys} with keys");
    assert!(wrong.is_empty(), "{} of {asked} differ:\n{}", wrong.len(), wrong.join("\n"));
}

/// Requests of a command with odd arguments: numbers where keys are counted (too few, too many,
/// none), keys where numbers belong, words that begin an option, in every length.
fn odd_requests(name: &[&str], rng: &mut fastrand::Rng) -> Vec<Vec<String>> {
    const WORDS: [&str; 18] = [
        "0",
        "1",
        "2",
        "3",
        "-1",
        "9",
        "4294967297",
        "",
        "a",
        "{b}:1",
        "c",
        "d",
        "KEYS",
        "NUMKEYS",
        "STORE",
        "STREAMS",
        "FIELDS",
        "GET",
    ];
    let request = |len: usize, rng: &mut fastrand::Rng| {
        let words = (0..len).map(|_| WORDS[rng.usize(..WORDS.len())].to_owned());
        name.iter().map(|word| (*word).to_owned()).chain(words).collect()
    };
    (0..8).flat_map(|len| [len; 3]).map(|len| request(len, rng)).collect()
}

/// Whatever stands where keys and their number belong, inside MULTI and outside, a request is
/// answered and the server stays: it never runs with a key whose shard is not in hand.
#[test]
fn odd_arguments_never_reach_a_shard_that_is_not_in_hand() {
    // They end, hold up or silence what this test speaks through.
    const LEFT_OUT: [&str; 14] = [
        "shutdown",
        "debug",
        "quit",
        "client",
        "reset",
        "hello",
        "auth",
        "multi",
        "exec",
        "discard",
        "monitor",
        "subscribe",
        "psubscribe",
        "ssubscribe",
    ];
    let server = Server::start(ServerOptions::new(4, true));
    let mut c = server.client();
    let mut rng = fastrand::Rng::with_seed(1);
    let rows = c.run("COMMAND").items();
    assert!(rows.len() > 60);
    for row in rows {
        let name = row.items()[0].text();
        let blocks = row.items()[2].items().iter().any(|flag| flag.text() == "blocking");
        if LEFT_OUT.contains(&&*name) {
            continue;
        }
        let mut names = vec![vec![name.clone()]];
        for subcommand in row.items().get(9).map(Reply::items).unwrap_or_default() {
            let full = subcommand.items()[0].text();
            names.extend(full.split_once('|').map(|(_, word)| vec![name.clone(), word.to_owned()]));
        }
        for words in names {
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            let requests = odd_requests(&words, &mut rng);
            let asked = || format!("{words:?}");
            if !blocks {
                assert_eq!(c.pipeline(&requests).len(), requests.len(), "{}", asked());
            }
            for request in &requests {
                let alone = [vec!["MULTI".to_owned()], request.clone(), vec!["EXEC".to_owned()]];
                assert_eq!(c.pipeline(&alone).len(), 3, "{}", asked());
            }
            assert_eq!(c.run("PING"), Reply::Simple(b"PONG".to_vec()), "{}", asked());
        }
    }
}
