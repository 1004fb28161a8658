//! The README's command table, generated from the command table itself.
//!
//! What is there is what COMMAND DOCS of Baton tells; what is not yet, what the references have
//! beyond it. With `BATON_README=write` the section is written anew instead of compared.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::{env, fs};

use crate::server::{Server, ServerOptions, Target};

const BEGIN: &str = "<!-- commands: generated, see tests/it/readme.rs -->\n";
const END: &str = "<!-- end of commands -->\n";

/// The commands of a server by group, subcommands left out.
fn by_group(target: Target) -> BTreeMap<String, BTreeSet<String>> {
    let server = Server::start(ServerOptions::default().target(target));
    let docs = server.client().cmd(&["COMMAND", "DOCS"]).items();
    let mut groups: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for pair in docs.chunks(2) {
        let facts = pair[1].items();
        let group = facts.chunks(2).find(|fact| fact[0].text() == "group");
        let group = group.map_or_else(|| "generic".to_owned(), |fact| fact[1].text());
        groups.entry(group).or_default().insert(pair[0].text().to_uppercase());
    }
    groups
}

fn names<'a>(names: impl Iterator<Item = &'a String>) -> String {
    let names: Vec<&str> = names.map(String::as_str).collect();
    if names.is_empty() { "–".to_owned() } else { names.join(" ") }
}

fn table() -> String {
    let ours = by_group(Target::Baton);
    let mut known = by_group(Target::Valkey);
    for (group, more) in by_group(Target::Redis) {
        known.entry(group).or_default().extend(more);
    }
    let have: BTreeSet<&String> = ours.values().flatten().collect();
    let mut text = String::from("| group | there | not yet |\n|---|---|---|\n");
    let groups: BTreeSet<&String> = ours.keys().chain(known.keys()).collect();
    for group in groups.into_iter().filter(|group| *group != "module") {
        let there = names(ours.get(group).into_iter().flatten());
        let missing = known.get(group).into_iter().flatten().filter(|name| !have.contains(name));
        text += &format!("| {group} | {there} | {} |\n", names(missing));
    }
    text
}

#[test]
fn the_command_table_is_true() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = fs::read_to_string(&path).expect("the README is there");
    let (before, rest) = readme.split_once(BEGIN).expect("the table's begin is marked");
    let (shown, after) = rest.split_once(END).expect("the table's end is marked");
    let table = table();
    if env::var("BATON_README").is_ok_and(|what| what == "write") {
        fs::write(&path, [before, BEGIN, &table, END, after].concat()).expect("it is writable");
    } else {
        assert_eq!(shown, table, "run this test with BATON_README=write, and look at what it did");
    }
}
