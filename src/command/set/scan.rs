//! SSCAN: the members of a set piece by piece.

use super::reply_member;
use crate::command::scan_options::{ScanOptions, Scanned, walk};
use crate::command::{Args, CommandResult, Read, parse_cursor};
use crate::resp::Writer;
use crate::value::set::Set;

/// SSCAN key cursor [MATCH pattern] [COUNT count]
pub(super) fn sscan(cx: &mut Read<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let cursor = parse_cursor(&args[2])?;
    let Some(set) = cx.read_as::<Set>(&args.key(1))? else {
        out.array(2);
        out.bulk_int(0);
        out.array(0);
        return Ok(());
    };
    let options = ScanOptions::parse(args, 3, Scanned::Set)?;
    let mut found = Vec::new();
    let next = walk(cursor, options.count, |cursor, seen| {
        set.scan(cursor, |member| {
            *seen += 1;
            if options.takes(member.as_bytes(&mut itoa::Buffer::new())) {
                found.push(member);
            }
        })
    });
    out.array(2);
    out.bulk(itoa::Buffer::new().format(next).as_bytes());
    out.array(found.len());
    found.into_iter().for_each(|member| reply_member(member, out));
    Ok(())
}
