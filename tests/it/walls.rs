//! The walls between the rooms of `src`: which room may use which.
//!
//! The table is the architecture. It is read downwards: a room may use only rooms above it, so
//! there can be no circle, and of those only the ones it names. Unit tests are free: they build
//! what they need from anywhere.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Each room (a directory or file of `src`) and the rooms that it may use.
const ROOMS: &[(&str, &[&str])] = &[
    ("allocator", &[]),
    ("value", &[]),
    ("resp", &[]),
    ("clock", &[]),
    ("glob", &[]),
    ("config", &["glob"]),
    ("keyspace", &["value"]),
    ("snapshot", &["keyspace", "value"]),
    ("observe", &["config", "keyspace", "clock"]),
    ("journal", &["keyspace"]),
    ("command", &["keyspace", "value", "resp", "config", "clock", "glob", "observe", "snapshot"]),
    ("channel", &["command", "keyspace", "resp"]),
    ("shard", &["channel", "clock", "command", "config", "journal", "keyspace", "observe", "resp"]),
    ("acceptor", &["channel", "command", "config", "keyspace", "observe", "resp", "shard"]),
    (
        "run",
        &[
            "acceptor", "channel", "clock", "command", "config", "journal", "keyspace", "observe",
            "resp", "shard", "value",
        ],
    ),
];

/// Files that belong to no room: the map, and the entry.
const OUTSIDE: &[&str] = &["lib.rs", "main.rs"];

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// All source files below `dir`.
fn files(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).expect("a directory of the sources") {
        let path = entry.expect("an entry of the sources").path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The room of a file: the first part of its path.
fn room_of(path: &Path) -> String {
    let inner = path.strip_prefix(source()).expect("a file of the sources");
    let first = inner.components().next().expect("a path has parts");
    first.as_os_str().to_string_lossy().trim_end_matches(".rs").to_owned()
}

/// The rooms that a text of code names by `crate::`, with the lines that do. Comments are not
/// code.
fn uses(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for line in text.lines() {
        let code = line.split("//").next().unwrap_or_default();
        // `pub(crate)` has no `::` behind it.
        for rest in code.split("crate::").skip(1) {
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            found.push((rest[..end].to_owned(), line.trim().to_owned()));
        }
    }
    found
}

/// Whether a file holds nothing but unit tests or what they are made with.
fn is_for_tests(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
    name.is_some_and(|name| ["tests.rs", "testing.rs"].contains(&&*name))
        || path.components().any(|part| part.as_os_str() == "tests")
}

/// A text of code without the module of unit tests at its end.
fn without_tests(text: &str) -> &str {
    text.split("#[cfg(test)]\nmod ").next().unwrap_or_default()
}

#[test]
fn every_room_is_in_the_table() {
    let mut paths = Vec::new();
    files(&source(), &mut paths);
    assert!(paths.len() > 50, "the sources were found");
    for path in paths {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        let top = path.parent() == Some(&source());
        if top && OUTSIDE.iter().any(|outside| name.as_deref() == Some(outside)) {
            continue;
        }
        let room = room_of(&path);
        assert!(ROOMS.iter().any(|(known, _)| *known == room), "{room} is in no row of the table");
    }
}

#[test]
fn the_table_has_no_circles() {
    for (at, (room, allowed)) in ROOMS.iter().enumerate() {
        for other in *allowed {
            let above = ROOMS[..at].iter().any(|(name, _)| name == other);
            assert!(above, "{room} may use {other}, which does not stand above it");
        }
    }
}

#[test]
fn rooms_use_only_what_they_may() {
    let rooms: BTreeMap<&str, &[&str]> = ROOMS.iter().copied().collect();
    let mut paths = Vec::new();
    files(&source(), &mut paths);
    let mut wrong = Vec::new();
    for path in paths {
        if is_for_tests(path.strip_prefix(source()).expect("a file of the sources")) {
            continue;
        }
        let room = room_of(&path);
        let Some(allowed) = rooms.get(room.as_str()) else { continue };
        let text = fs::read_to_string(&path).expect("a source file");
        for (used, line) in uses(without_tests(&text)) {
            if rooms.contains_key(used.as_str()) && used != room && !allowed.contains(&&*used) {
                wrong.push(format!("{}: {line}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "these go through a wall:\n{}", wrong.join("\n"));
}

#[test]
fn uses_are_found() {
    let found =
        |text: &str| -> Vec<String> { uses(text).into_iter().map(|(room, _)| room).collect() };
    assert_eq!(found("use crate::value::integer;"), ["value"]);
    assert_eq!(found("let x = crate::resp::Writer::new(crate::clock::now());"), ["resp", "clock"]);
    assert!(found("// use crate::value;\npub(crate) fn f() {}").is_empty());
    let text = "use crate::resp;\n#[cfg(test)]\nmod tests {\n use crate::run;\n}";
    assert_eq!(found(without_tests(text)), ["resp"]);
}
