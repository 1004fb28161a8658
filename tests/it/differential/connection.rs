//! Connection and server commands whose replies are determined.

use super::family::{Check, Family, Recipe, Step, args};
use super::generate::Gen;

/// The family.
#[derive(Debug)]
pub struct Connection;

impl Family for Connection {
    fn name(&self) -> &'static str {
        "connection"
    }

    fn weight(&self) -> u32 {
        12
    }

    fn steps(&self, g: &mut Gen) -> Vec<Step> {
        let step = g.recipe(RECIPES);
        vec![if g.chance(20) { step.on_other() } else { step }]
    }
}

/// The recipes.
const RECIPES: &[Recipe] = &[
    (12, |g| Step::exact(args![g.word("SELECT"), g.database()])),
    (4, |g| Step::exact(args![g.word("PING")])),
    (3, |g| Step::exact(args![g.word("PING"), g.value()])),
    (4, |g| Step::exact(args![g.word("ECHO"), g.value()])),
    // Kept: a zero byte that a mistake brings would end a name in C, and not here.
    (3, |g| Step::exact(args![g.word("CLIENT"), g.word("SETNAME"), name(g)]).kept()),
    (3, |g| Step::exact(args![g.word("CLIENT"), g.word("GETNAME")])),
    (3, setinfo),
    (1, |g| Step::checked(args![g.word("CLIENT"), g.word("ID")], Check::Shape)),
    (1, |g| Step::exact(args![g.word("CLIENT"), g.word("NO-EVICT"), switch(g)])),
    (1, |g| Step::exact(args![g.word("CLIENT"), g.word("NO-TOUCH"), switch(g)])),
    (1, |g| Step::exact(args![g.word("CLIENT"), g.word("NONSENSE"), switch(g)])),
    (1, |g| Step::exact(args![g.word("CLIENT"), g.word("UNPAUSE")])),
    (2, |g| Step::exact(args![g.word("AUTH"), g.value()])),
    (1, |g| Step::exact(args![g.word("AUTH"), "default", g.value()])),
    (1, |g| Step::exact(args![g.word("AUTH"), "nobody", g.value()])),
    (2, hello),
    (3, unknown),
    (4, getkeys),
    (1, |g| Step::exact(args![g.word("COMMAND"), g.word("NONSENSE")]).kept()),
    (2, config_get),
    (1, |g| Step::checked(args![g.word("TIME")], Check::Shape)),
    (1, |g| Step::exact(args![g.word("CONFIG"), g.word("SET"), "no-such-directive", g.value()])),
];

fn switch(g: &mut Gen) -> Vec<u8> {
    let word = g.pick(&["ON", "OFF", "maybe", ""]);
    g.word(word)
}

fn name(g: &mut Gen) -> Vec<u8> {
    g.pick(&[&b"worker"[..], b"", b"two words", b"line\nbreak", b"caf\xc3\xa9", b"a:b-c_d", b"!~"])
        .to_vec()
}

fn setinfo(g: &mut Gen) -> Step {
    let field = g.pick(&["LIB-NAME", "LIB-VER", "lib-name", "nonsense"]);
    Step::exact(args![g.word("CLIENT"), g.word("SETINFO"), field, name(g)]).kept()
}

/// HELLO without a version, or one that must be refused: the protocol of the run stays.
fn hello(g: &mut Gen) -> Step {
    const OWN: Check = Check::Except(&["server", "version", "id", "modules", "availability_zone"]);
    let mut args = args![g.word("HELLO")];
    match g.range(0, 5) {
        0 => {}
        1 => args.push(g.pick(&["1", "4", "0", "-1", "abc", "", "2.0"]).into()),
        2 => args.extend(args!["3", "AUTH", "default"]),
        3 => args.extend(args!["3", "SETNAME", "two words"]),
        _ => args.extend(args!["3", "AUTH", "nobody", g.value()]),
    }
    Step::checked(args, OWN).kept()
}

/// Commands that no server has: the error quotes name and arguments.
fn unknown(g: &mut Gen) -> Step {
    let name =
        g.pick(&[&b"NOSUCHCOMMAND"[..], b"foo bar", b"", b"a\r\nb", b"\xff\x00", b"get\x00"]);
    let mut args = args![name];
    for _ in 0..g.count(0, 6) {
        args.push(g.value());
    }
    Step::exact(args)
}

/// Where the keys of a command stand.
fn getkeys(g: &mut Gen) -> Step {
    let sub = g.pick(&["GETKEYS", "GETKEYSANDFLAGS"]);
    let command = match g.range(0, 15) {
        0 => args!["SET", g.key(), g.value()],
        1 => args!["SET", g.key(), g.value(), "GET"],
        2 => args!["MSET", g.key(), "1", g.key(), "2"],
        3 => [args!["MGET"], g.keys(0, 3)].concat(),
        4 => args!["MSETEX", "2", g.key(), "1", g.key(), "2", "NX"],
        5 => args!["COPY", g.key(), g.key()],
        6 => args!["RENAME", g.key(), g.key()],
        7 => args!["LCS", g.key(), g.key()],
        8 => args!["OBJECT", "ENCODING", g.key()],
        9 => args!["PING"],
        10 => args!["NOSUCHCOMMAND", "x"],
        11 => args!["MEMORY", "USAGE", g.key()],
        12 => args!["GETDEL", g.key()],
        13 => args![],
        _ => [args!["DEL"], g.keys(1, 3)].concat(),
    };
    // Without its subcommand it would list all commands that the server has.
    Step::exact([args![g.word("COMMAND"), g.word(sub)], command].concat()).kept()
}

/// Directives whose defaults are the same everywhere.
fn config_get(g: &mut Gen) -> Step {
    const NAMES: &[&str] = &[
        "databases",
        "maxmemory",
        "maxmemory-policy",
        "maxmemory-samples",
        "timeout",
        "hz",
        "proto-max-bulk-len",
        "no-such-directive",
        "appendfsync",
        "maxclients-nothing",
        "lfu-log-factor",
    ];
    let mut args = args![g.word("CONFIG"), g.word("GET")];
    for _ in 0..g.count(1, 3) {
        args.push(g.pick(NAMES).into());
    }
    // A mistake could make it a pattern that also names ports and paths.
    Step::checked(args, Check::Unordered).kept()
}
