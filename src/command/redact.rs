//! Requests as they may be remembered or shown: without secrets.

use super::{Args, Command};
use crate::config::Directive;

/// What stands in the place of a secret, as in Valkey.
const REDACTED: &[u8] = b"(redacted)";

/// The arguments of a request, with what must not be remembered taken out: passwords of AUTH and
/// HELLO, values of directives that hold secrets.
pub fn redacted(command: &Command, args: Args<'_>) -> Vec<Vec<u8>> {
    let hidden: &dyn Fn(usize) -> bool = match command.name {
        "auth" => &|at| at >= 1,
        "hello" => &|at| (1..=2).any(|back| at > back + 1 && args.is(at - back, "AUTH")),
        "config|set" => &|at| {
            let name = args.get(at - 1).and_then(Directive::find);
            at >= 3 && at % 2 == 1 && name.is_some_and(|directive| directive.sensitive)
        },
        _ => &|_| false,
    };
    let shown = |(at, arg): (usize, &[u8])| {
        let is_hidden = at > 0 && hidden(at);
        if is_hidden { REDACTED.to_vec() } else { arg.to_vec() }
    };
    args.iter().enumerate().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::{ArgRef, KeyStride, registry};
    use crate::keyspace::KeyHasher;

    fn shown(request: &[&str]) -> String {
        let mut arena = Vec::new();
        let mut refs = Vec::new();
        for word in request {
            refs.push(ArgRef::in_arena(arena.len(), word.len()));
            arena.extend_from_slice(word.as_bytes());
        }
        let hasher = KeyHasher::with_seeds([1, 2, 3, 4]);
        let args = Args::new(&arena, &refs, &[], &[], KeyStride::default(), &hasher);
        let mut command = registry::find(request[0].as_bytes()).expect("a command");
        if !command.subcommands.is_empty() {
            command = registry::find_subcommand(command, request[1].as_bytes()).expect("one");
        }
        let words = redacted(command, args);
        words.iter().map(|word| String::from_utf8_lossy(word)).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn secrets_are_taken_out() {
        assert_eq!(shown(&["AUTH", "secret"]), "AUTH (redacted)");
        assert_eq!(shown(&["AUTH", "default", "secret"]), "AUTH (redacted) (redacted)");
        assert_eq!(
            shown(&["HELLO", "3", "AUTH", "default", "secret", "SETNAME", "x"]),
            "HELLO 3 AUTH (redacted) (redacted) SETNAME x"
        );
        assert_eq!(
            shown(&["CONFIG", "SET", "timeout", "1", "RequirePass", "secret"]),
            "CONFIG SET timeout 1 RequirePass (redacted)"
        );
        assert_eq!(shown(&["CLIENT", "SETNAME", "AUTH"]), "CLIENT SETNAME AUTH");
        assert_eq!(shown(&["ECHO", "secret"]), "ECHO secret");
    }
}
