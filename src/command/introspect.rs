//! COMMAND: the registry as clients see it.
//!
//! Everything here is read off the rows; nothing about any one command is known in this file but
//! that SET's first key is read as well if GET is among its options.

use super::keys::{KeyPositions, find_keys};
use super::spec::Categories;
use super::spec::{Arg, ArgKind, BeginSearch, Command, FindKeys, Flags, Group, KeySpec};
use super::{Args, CommandError, CommandResult, SessionContext, registry};
use crate::glob::{Case, matches};
use crate::resp::Writer;

/// COMMAND
fn all(_cx: &mut SessionContext<'_>, _args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    write_rows(out);
    Ok(())
}

fn write_rows(out: &mut Writer<'_>) {
    let commands = registry::all();
    out.array(commands.len());
    for command in commands {
        write_row(command, out);
    }
}

fn count(_cx: &mut SessionContext<'_>, _args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    out.int(registry::all().len() as i64);
    Ok(())
}

/// COMMAND INFO [name …]
fn info(_cx: &mut SessionContext<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    if args.len() == 2 {
        write_rows(out);
        return Ok(());
    }
    out.array(args.len() - 2);
    for name in args.iter().skip(2) {
        match registry::find_full(name) {
            Some(command) => write_row(command, out),
            None => out.null(),
        }
    }
    Ok(())
}

/// Writes one row: the ten elements of COMMAND INFO.
fn write_row(command: &Command, out: &mut Writer<'_>) {
    out.array(10);
    out.bulk(command.name.as_bytes());
    out.int(i64::from(command.arity));
    write_words(out, command.flag_names());
    for number in key_range(command) {
        out.int(i64::from(number));
    }
    write_words(out, command.category_names());
    out.set(command.tips.len());
    for tip in command.tips {
        out.bulk(tip.as_bytes());
    }
    out.set(command.keys.len());
    for spec in command.keys {
        write_key_spec(spec, out);
    }
    out.array(command.subcommands.len());
    for subcommand in command.subcommands {
        write_row(subcommand, out);
    }
}

/// A set of simple strings.
fn write_words(out: &mut Writer<'_>, words: impl Iterator<Item = &'static str>) {
    let head = out.deferred_set();
    let mut count = 0;
    for word in words {
        out.simple(word);
        count += 1;
    }
    out.finish_set(head, count);
}

/// First key, last key and step, as clients older than key specifications need them: what the
/// specifications that can be said so have in common.
fn key_range(command: &Command) -> [i32; 3] {
    if let [spec] = command.keys {
        return match (spec.begin, spec.find) {
            (BeginSearch::Index(first), FindKeys::Range { last, step, .. }) => {
                [first, if last >= 0 { first + last } else { last }, step]
            }
            _ => [0; 3],
        };
    }
    // Several: those that follow each other directly count as one range.
    let (mut range, mut previous) = (None, None);
    for spec in command.keys {
        let BeginSearch::Index(begin) = spec.begin else { continue };
        let FindKeys::Range { last, step: 1, .. } = spec.find else { continue };
        if previous.is_some_and(|previous: i32| previous != begin - 1) {
            continue;
        }
        let last = if last >= 0 { begin + last } else { last };
        let first = range.map_or(begin, |(first, _)| begin.min(first));
        range = Some((first, last));
        previous = Some(last);
    }
    range.map_or([0; 3], |(first, last)| [first, last, 1])
}

fn write_key_spec(spec: &KeySpec, out: &mut Writer<'_>) {
    out.map(3 + usize::from(!spec.notes.is_empty()));
    if !spec.notes.is_empty() {
        out.bulk(b"notes");
        out.bulk(spec.notes.as_bytes());
    }
    out.bulk(b"flags");
    write_words(out, spec.flags.split_whitespace());
    out.bulk(b"begin_search");
    match spec.begin {
        BeginSearch::Index(at) => write_search(out, "index", &[("index", at)]),
        BeginSearch::Keyword(word, from) => {
            write_search_head(out, "keyword", 2);
            out.bulk(b"keyword");
            out.bulk(word.as_bytes());
            out.bulk(b"startfrom");
            out.int(i64::from(from));
        }
        BeginSearch::Unknown => write_search(out, "unknown", &[]),
    }
    out.bulk(b"find_keys");
    match spec.find {
        FindKeys::Range { last, step, limit } => {
            let fields = [("lastkey", last), ("keystep", step), ("limit", limit)];
            write_search(out, "range", &fields);
        }
        FindKeys::NumKeys { numkeys, first, step } => {
            let fields = [("keynumidx", numkeys), ("firstkey", first), ("keystep", step)];
            write_search(out, "keynum", &fields);
        }
        FindKeys::Unknown => write_search(out, "unknown", &[]),
    }
}

fn write_search_head(out: &mut Writer<'_>, kind: &str, fields: usize) {
    out.map(2);
    out.bulk(b"type");
    out.bulk(kind.as_bytes());
    out.bulk(b"spec");
    out.map(fields);
}

fn write_search(out: &mut Writer<'_>, kind: &str, fields: &[(&str, i32)]) {
    write_search_head(out, kind, fields.len());
    for (name, value) in fields {
        out.bulk(name.as_bytes());
        out.int(i64::from(*value));
    }
}

/// COMMAND DOCS [name …]
fn docs(_cx: &mut SessionContext<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let found: Vec<&Command> = if args.len() == 2 {
        registry::all().iter().collect()
    } else {
        args.iter().skip(2).filter_map(registry::find_full).collect()
    };
    write_docs(&found, out);
    Ok(())
}

fn write_docs(commands: &[&Command], out: &mut Writer<'_>) {
    out.map(commands.len());
    for command in commands {
        out.bulk(command.name.as_bytes());
        write_doc(command, out);
    }
}

/// Writes what is known of a command in words.
fn write_doc(command: &Command, out: &mut Writer<'_>) {
    let head = out.deferred_map();
    let mut fields = 0;
    for (name, text) in [
        ("summary", command.summary),
        ("since", command.since),
        ("group", command.group.name()),
        ("complexity", command.complexity),
    ] {
        fields += write_text(out, name, text);
    }
    let is_deprecated = !command.deprecated.0.is_empty();
    let is_for_operators = command.flags.has(Flags::SYSCMD);
    if is_deprecated || is_for_operators {
        out.bulk(b"doc_flags");
        let flags = [(is_deprecated, "deprecated"), (is_for_operators, "syscmd")];
        write_words(out, flags.into_iter().filter(|(on, _)| *on).map(|(_, name)| name));
        fields += 1;
    }
    fields += write_text(out, "deprecated_since", command.deprecated.0);
    fields += write_text(out, "replaced_by", command.deprecated.1);
    if !command.history.is_empty() {
        out.bulk(b"history");
        out.set(command.history.len());
        for (version, change) in command.history {
            out.array(2);
            out.bulk(version.as_bytes());
            out.bulk(change.as_bytes());
        }
        fields += 1;
    }
    if !command.args.is_empty() {
        out.bulk(b"arguments");
        write_arguments(command.args, out);
        fields += 1;
    }
    if !command.subcommands.is_empty() {
        out.bulk(b"subcommands");
        write_docs(&command.subcommands.iter().collect::<Vec<_>>(), out);
        fields += 1;
    }
    out.finish_map(head, fields);
}

/// Writes a field unless it is empty; gives the number of fields written.
fn write_text(out: &mut Writer<'_>, name: &str, text: &str) -> usize {
    if text.is_empty() {
        return 0;
    }
    out.bulk(name.as_bytes());
    out.bulk(text.as_bytes());
    1
}

fn write_arguments(arguments: &[Arg], out: &mut Writer<'_>) {
    out.array(arguments.len());
    for argument in arguments {
        write_argument(argument, out);
    }
}

fn write_argument(argument: &Arg, out: &mut Writer<'_>) {
    let head = out.deferred_map();
    let mut fields = write_text(out, "name", argument.name);
    fields += write_text(out, "type", kind_name(argument.kind));
    if !matches!(argument.kind, ArgKind::OneOf | ArgKind::Block) {
        let display = if argument.display.is_empty() { argument.name } else { argument.display };
        fields += write_text(out, "display_text", display);
    }
    if let ArgKind::Key(spec) | ArgKind::KeyPattern(spec) = argument.kind {
        out.bulk(b"key_spec_index");
        out.int(i64::from(spec));
        fields += 1;
    }
    fields += write_text(out, "token", argument.token);
    fields += write_text(out, "summary", argument.summary);
    fields += write_text(out, "since", argument.since);
    fields += write_text(out, "deprecated_since", argument.deprecated_since);
    let flags = [
        (argument.optional, "optional"),
        (argument.multiple, "multiple"),
        (argument.multiple_token, "multiple_token"),
    ];
    if flags.iter().any(|(on, _)| *on) {
        out.bulk(b"flags");
        write_words(out, flags.into_iter().filter(|(on, _)| *on).map(|(_, name)| name));
        fields += 1;
    }
    if !argument.children.is_empty() {
        out.bulk(b"arguments");
        write_arguments(argument.children, out);
        fields += 1;
    }
    out.finish_map(head, fields);
}

const fn kind_name(kind: ArgKind) -> &'static str {
    match kind {
        ArgKind::String => "string",
        ArgKind::Integer => "integer",
        ArgKind::Double => "double",
        ArgKind::Key(_) => "key",
        ArgKind::Pattern | ArgKind::KeyPattern(_) => "pattern",
        ArgKind::UnixTime => "unix-time",
        ArgKind::PureToken => "pure-token",
        ArgKind::OneOf => "oneof",
        ArgKind::Block => "block",
    }
}

/// COMMAND LIST [FILTERBY MODULE name | ACLCAT category | PATTERN pattern]
fn list(_cx: &mut SessionContext<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let wanted: &dyn Fn(&Command) -> bool = match args.len() {
        2 => &|_| true,
        5 if args.is(2, "FILTERBY") && args.is(3, "MODULE") => &|_| false,
        5 if args.is(2, "FILTERBY") && args.is(3, "ACLCAT") => &|command| {
            let is_named = |name: &str| name.as_bytes()[1..].eq_ignore_ascii_case(&args[4]);
            command.category_names().any(is_named)
        },
        5 if args.is(2, "FILTERBY") && args.is(3, "PATTERN") => {
            &|command| matches(&args[4], command.name.as_bytes(), Case::Insensitive)
        }
        _ => return Err(CommandError::SYNTAX),
    };
    let names: Vec<&str> = registry::all()
        .iter()
        .flat_map(|command| std::iter::once(command).chain(command.subcommands))
        .filter(|command| wanted(command))
        .map(|command| command.name)
        .collect();
    out.array(names.len());
    for name in names {
        out.bulk(name.as_bytes());
    }
    Ok(())
}

/// COMMAND GETKEYS request
fn get_keys(_cx: &mut SessionContext<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let (_, found) = keys_of(args)?;
    out.array(found.at.len());
    for at in found.at {
        out.bulk(&args[at + 2]);
    }
    Ok(())
}

/// COMMAND GETKEYSANDFLAGS request
fn get_keys_and_flags(
    _cx: &mut SessionContext<'_>,
    args: Args<'_>,
    out: &mut Writer<'_>,
) -> CommandResult {
    let (command, found) = keys_of(args)?;
    out.array(found.at.len());
    for (at, spec) in found.at.into_iter().zip(found.spec) {
        let mut flags = command.keys[spec as usize].flags;
        if flags.contains("variable_flags") {
            flags = flags_by_arguments(command, args, at);
        }
        out.array(2);
        out.bulk(&args[at + 2]);
        let hidden = ["variable_flags", "incomplete"];
        write_words(out, flags.split_whitespace().filter(|flag| !hidden.contains(flag)));
    }
    Ok(())
}

/// How a request uses its key at `at` where that depends on the other arguments: SET reads as well
/// with GET, BITFIELD only reads as long as no operation writes.
fn flags_by_arguments(command: &Command, args: Args<'_>, at: usize) -> &'static str {
    if command.name != "bitfield" {
        let reads_too = (at + 4..args.len()).any(|option| args.is(option, "GET"));
        return if reads_too { "RW access update" } else { "OW update" };
    }
    let mut option = at + 3;
    while option < args.len() {
        let rest = args.len() - option - 1;
        option += match () {
            () if args.is(option, "GET") && rest >= 2 => 3,
            () if args.is(option, "OVERFLOW") && rest >= 1 => 2,
            () => return "RW access update",
        };
    }
    "RO access"
}

/// The row of the request that begins at argument 2, and where its keys are.
fn keys_of(args: Args<'_>) -> Result<(&'static Command, KeyPositions), CommandError> {
    let argc = args.len() - 2;
    let command = registry::find(&args[2])
        .and_then(|command| match args.get(3) {
            Some(word) if !command.subcommands.is_empty() => {
                registry::find_subcommand(command, word)
            }
            _ => Some(command),
        })
        .ok_or(CommandError::fixed("ERR Invalid command specified"))?;
    if command.keys.is_empty() {
        return Err(CommandError::fixed("ERR The command has no key arguments"));
    }
    if !command.accepts(argc) {
        let text = "ERR Invalid number of arguments specified for command";
        return Err(CommandError::fixed(text));
    }
    let mut found = KeyPositions::default();
    let outcome = find_keys(command, argc, |at| args.get(at + 2).unwrap_or_default(), &mut found);
    if outcome.is_err() || found.at.is_empty() {
        return Err(CommandError::fixed("ERR Invalid arguments specified for command"));
    }
    Ok((command, found))
}

fn help(_cx: &mut SessionContext<'_>, _args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    super::help::write(
        out,
        "COMMAND",
        &[
            "(none)",
            "    The rows of all commands.",
            "COUNT",
            "    How many commands there are.",
            "DOCS [<command> ...]",
            "    What these commands do, or all of them: words, versions, arguments.",
            "GETKEYS <request>",
            "    Which arguments of the request are keys.",
            "GETKEYSANDFLAGS <request>",
            "    The same, with what is done to each key.",
            "INFO [<command> ...]",
            "    The rows of these commands, or of all of them.",
            "LIST [FILTERBY (MODULE <name>|ACLCAT <category>|PATTERN <pattern>)]",
            "    The names of commands and subcommands.",
        ],
    );
    Ok(())
}

const SUBCOMMANDS: &[Command] = &[
    Command::session("command|count", 2, count)
        .flags(Flags::LOADING.and(Flags::STALE))
        .categories(Categories::CONNECTION)
        .docs(Group::Server, "2.8.13", "How many commands there are.", "O(1)"),
    Command::session("command|docs", -2, docs)
        .flags(Flags::LOADING.and(Flags::STALE))
        .categories(Categories::CONNECTION)
        .args(const { &[Arg::new("command-name", ArgKind::String).optional().multiple()] })
        .tips(&["nondeterministic_output_order"])
        .docs(
            Group::Server,
            "7.0.0",
            "What commands do, in words and in syntax.",
            "O(N) in the number of commands asked for",
        ),
    Command::session("command|getkeys", -3, get_keys)
        .flags(Flags::LOADING.and(Flags::STALE))
        .categories(Categories::CONNECTION)
        .args(
            const {
                &[
                    Arg::new("command", ArgKind::String),
                    Arg::new("arg", ArgKind::String).optional().multiple(),
                ]
            },
        )
        .docs(
            Group::Server,
            "2.8.13",
            "Which arguments of a request are keys.",
            "O(N) in the number of arguments",
        ),
    Command::session("command|getkeysandflags", -3, get_keys_and_flags)
        .flags(Flags::LOADING.and(Flags::STALE))
        .categories(Categories::CONNECTION)
        .args(
            const {
                &[
                    Arg::new("command", ArgKind::String),
                    Arg::new("arg", ArgKind::String).optional().multiple(),
                ]
            },
        )
        .docs(
            Group::Server,
            "7.0.0",
            "Which arguments of a request are keys, and what is done to each.",
            "O(N) in the number of arguments",
        ),
    Command::session("command|help", 2, help)
        .flags(Flags::LOADING.and(Flags::STALE))
        .categories(Categories::CONNECTION)
        .docs(Group::Server, "5.0.0", "Lists the subcommands.", "O(1)"),
    Command::session("command|info", -2, info)
        .flags(Flags::LOADING.and(Flags::STALE))
        .categories(Categories::CONNECTION)
        .args(const { &[Arg::new("command-name", ArgKind::String).optional().multiple()] })
        .history(&[("7.0.0", "Without names it is about all commands.")])
        .tips(&["nondeterministic_output_order"])
        .docs(
            Group::Server,
            "2.8.13",
            "The rows of commands as clients need them.",
            "O(N) in the number of commands asked for",
        ),
    Command::session("command|list", -2, list)
        .flags(Flags::LOADING.and(Flags::STALE))
        .categories(Categories::CONNECTION)
        .args(
            const {
                &[Arg::one_of(
                    "filterby",
                    const {
                        &[
                            Arg::new("module-name", ArgKind::String).with_token("MODULE"),
                            Arg::new("category", ArgKind::String).with_token("ACLCAT"),
                            Arg::new("pattern", ArgKind::Pattern).with_token("PATTERN"),
                        ]
                    },
                )
                .with_token("FILTERBY")
                .optional()]
            },
        )
        .tips(&["nondeterministic_output_order"])
        .docs(Group::Server, "7.0.0", "The names of commands.", "O(N) in the number of commands"),
];

/// The rows of the family.
pub const TABLE: &[Command] = &[Command::session("command", -1, all)
    .flags(Flags::LOADING.and(Flags::STALE))
    .categories(Categories::CONNECTION)
    .tips(&["nondeterministic_output_order"])
    .subcommands(SUBCOMMANDS)
    .docs(
        Group::Server,
        "2.8.13",
        "The rows of all commands as clients need them.",
        "O(N) in the number of commands",
    )];
