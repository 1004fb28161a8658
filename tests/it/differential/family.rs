//! What a family of commands must give to take part in the differential tests.

use super::generate::Gen;
use crate::server::Target;

/// The arguments of a command, its name first.
pub type Args = Vec<Vec<u8>>;

/// A group of commands that are generated together, in a file of its own.
pub trait Family {
    /// Name for reports and for `BATON_DIFF_FAMILIES`.
    fn name(&self) -> &'static str;

    /// Share of the commands that this family gets, against the other families.
    fn weight(&self) -> u32;

    /// The server whose replies are right.
    fn oracle(&self) -> Target {
        Target::Valkey
    }

    /// The next command, or several that belong together and follow each other.
    fn steps(&self, g: &mut Gen) -> Vec<Step>;
}

/// One command on one connection.
#[derive(Clone, Debug)]
pub struct Step {
    /// Which connection sends it; see [`MAIN`] and [`OTHER`].
    pub connection: usize,
    /// What is sent.
    pub args: Args,
    /// How its reply is compared.
    pub check: Check,
    /// Whether the engine may put a mistake into it: not where what follows hangs on it.
    pub may_be_spoiled: bool,
}

/// The connection on which most commands go.
pub const MAIN: usize = 0;
/// A second one, that interferes.
pub const OTHER: usize = 1;
/// How many there are.
pub const CONNECTIONS: usize = 2;

/// How two replies are compared. Equal replies always pass, and errors must always be equal.
#[derive(Clone, Debug)]
pub enum Check {
    /// The same, byte for byte (only the order inside RESP3 sets is free).
    Exact,
    /// The same elements in any order.
    Unordered,
    /// Integers that may differ by this much where both are positive (time that passes).
    Near(i64),
    /// The same type of reply; its content is the server's own.
    Shape,
    /// The same pairs in any order: a map, an array of pairs, or a flat one.
    UnorderedPairs,
    /// Arrays of integers, each as [`Check::Near`] compares it.
    EachNear(i64),
    /// Arrays or sets of equal length; anything else must be the same.
    Length,
    /// Maps (or flat lists of pairs), the named fields left out: they are the server's own.
    Except(&'static [&'static str]),
    /// Points in time, and ages in their places, may differ a little; the rest must be the same.
    Aged,
    /// OBJECT ENCODING: where a string stops being `embstr` depends on the allocator.
    Encoding,
    /// A key that exists (on both servers), or null on both.
    AnyKey,
    /// The reply of EXEC: every queued command by its own check.
    Each(Vec<Check>),
    /// The command is a SCAN, run over all of its cursors; the elements must be the same set.
    ScanAll,
}

impl Check {
    /// Whether the engine must look at this reply before it sends more.
    pub fn is_solo(&self) -> bool {
        matches!(self, Self::AnyKey | Self::ScanAll)
    }
}

impl Step {
    /// A command on the main connection whose reply must be the same.
    pub fn exact(args: Args) -> Self {
        Self::checked(args, Check::Exact)
    }

    /// A command on the main connection with a check of its own.
    pub fn checked(args: Args, check: Check) -> Self {
        let may_be_spoiled = !check.is_solo();
        Self { connection: MAIN, args, check, may_be_spoiled }
    }

    /// The same on the connection that interferes.
    pub fn on_other(mut self) -> Self {
        self.connection = OTHER;
        self
    }

    /// The same, always sent as it is.
    pub fn kept(mut self) -> Self {
        self.may_be_spoiled = false;
        self
    }

    /// Name of the command as it is sent, in capitals.
    pub fn name(&self) -> String {
        let name = self.args.first().map_or(&b""[..], Vec::as_slice);
        String::from_utf8_lossy(&name.to_ascii_uppercase()).into_owned()
    }
}

/// One way to make a step, with its weight against its siblings.
pub type Recipe = (u32, fn(&mut Gen) -> Step);

/// Something that can be an argument.
pub trait IntoArg {
    /// Its bytes.
    fn into_arg(self) -> Vec<u8>;
}

impl IntoArg for Vec<u8> {
    fn into_arg(self) -> Vec<u8> {
        self
    }
}

impl IntoArg for &[u8] {
    fn into_arg(self) -> Vec<u8> {
        self.to_vec()
    }
}

impl IntoArg for &str {
    fn into_arg(self) -> Vec<u8> {
        self.as_bytes().to_vec()
    }
}

impl IntoArg for String {
    fn into_arg(self) -> Vec<u8> {
        self.into_bytes()
    }
}

impl IntoArg for i64 {
    fn into_arg(self) -> Vec<u8> {
        self.to_string().into_bytes()
    }
}

impl IntoArg for usize {
    fn into_arg(self) -> Vec<u8> {
        self.to_string().into_bytes()
    }
}

/// Arguments of mixed types as [`Args`].
macro_rules! args {
    ($($arg:expr),* $(,)?) => {
        vec![$($crate::differential::family::IntoArg::into_arg($arg)),*]
    };
}
pub(super) use args;
