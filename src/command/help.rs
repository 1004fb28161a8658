//! The replies of HELP subcommands: a head, the container's own lines, and HELP itself.

use crate::resp::Writer;

/// Writes the help of `container`: `lines` are its subcommands and, indented, what they do.
pub fn write(out: &mut Writer<'_>, container: &str, lines: &[&str]) {
    out.array(lines.len() + 3);
    out.simple(&format!("{container} <subcommand> [<argument> ...]. Its subcommands are:"));
    for line in lines {
        out.simple(line);
    }
    out.simple("HELP");
    out.simple("    What you are reading.");
}
