//! BITOP: strings combined bit by bit.

use super::super::{Args, CommandError, CommandResult, Effect, Key, Write, require};
use crate::command::string_of;
use crate::keyspace::{Event, Value};
use crate::resp::Writer;
use crate::value::bits::{Operator, combine};

/// The operators by their names. Those from DIFF on came with Redis 8.2.
const OPERATORS: &[(&str, Operator)] = &[
    ("AND", Operator::And),
    ("OR", Operator::Or),
    ("XOR", Operator::Xor),
    ("NOT", Operator::Not),
    ("DIFF", Operator::Diff),
    ("DIFF1", Operator::Diff1),
    ("ANDOR", Operator::AndOr),
    ("ONE", Operator::One),
];

/// The operator that the arguments name, with as many sources as it takes.
fn operator(args: Args<'_>) -> Result<Operator, CommandError> {
    let named = OPERATORS.iter().find(|(name, _)| args.is(1, name));
    let &(name, operator) = named.ok_or(CommandError::SYNTAX)?;
    let sources = args.len() - 3;
    match operator {
        Operator::Not if sources != 1 => {
            Err(CommandError::fixed("ERR BITOP NOT must be called with a single source key."))
        }
        Operator::Diff | Operator::Diff1 | Operator::AndOr if sources < 2 => {
            let text = format!("ERR BITOP {name} must be called with at least two source keys.");
            Err(CommandError::made(text))
        }
        _ => Ok(operator),
    }
}

/// BITOP operation destkey key [key …]
pub(super) fn bitop(cx: &mut Write<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let operator = operator(args)?;
    require(args.len() > 3)?;
    let keys: Vec<Key<'_>> = (3..args.len()).map(|at| args.key(at)).collect();
    let result = {
        let mut values = Vec::with_capacity(keys.len());
        for entry in cx.lookup_all(&keys) {
            values.push(entry.map(string_of).transpose()?);
        }
        let mut digits = vec![itoa::Buffer::new(); values.len()];
        let sources: Vec<&[u8]> = values
            .iter()
            .zip(&mut digits)
            .map(|(value, digits)| value.as_ref().map_or(&b""[..], |value| value.as_bytes(digits)))
            .collect();
        combine(operator, &sources)
    };
    out.int(result.len() as i64);
    store(cx, &args.key(2), result, args);
    Ok(())
}

/// Puts the result under the key, or removes the key if there is none.
fn store(cx: &mut Write<'_>, key: &Key<'_>, result: Vec<u8>, args: Args<'_>) {
    if result.is_empty() {
        let lazy = cx.config().lazyfree_lazy_server_del;
        if cx.remove(key, lazy) {
            cx.changed(key, Event::DEL, Effect::Verbatim(args));
        }
        return;
    }
    cx.store(key, Value::Shared(result.into()), None);
    cx.mark_raw(key);
    cx.changed(key, Event::SET, Effect::Verbatim(args));
}
