//! Sends the same commands to two servers, compares every reply, and reports with everything
//! that a replay needs.
//!
//! Steps of one connection are pipelined in groups of random size; both servers have answered a
//! group before the next one is sent, so the order of two connections is the same on both.

use std::collections::BTreeMap;
use std::fmt;

use super::compare::same;
use super::family::{CONNECTIONS, Check, Family, MAIN, Step};
use super::generate::Gen;
use super::keyspace::{self, scan_all};
use crate::client::{Client, Reply, encode_into, show_command};
use crate::server::Server;

/// Longest pipeline.
const MAX_GROUP: usize = 64;
/// Share of commands, in percent, that get a mistake.
const SPOILED: u32 = 5;
/// Commands shown before a difference.
const HISTORY: usize = 20;
/// How far back those are looked for.
const LOOK_BACK: usize = 4_000;

/// The protocol that a run speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// As connections start.
    Resp2,
    /// After HELLO 3.
    Resp3,
}

/// What a run does.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Everything random follows from it.
    pub seed: u64,
    /// How many commands.
    pub commands: usize,
    /// Which protocol.
    pub protocol: Protocol,
    /// After so many differences the run ends.
    pub max_findings: usize,
}

/// A server with its connections.
#[derive(Debug)]
pub struct Side {
    connections: Vec<Client>,
    control: Client,
    _server: Server,
}

impl Side {
    /// Connects to a server that it then owns.
    pub fn new(server: Server) -> Self {
        let connections = (0..CONNECTIONS).map(|_| server.client()).collect();
        Self { connections, control: server.client(), _server: server }
    }

    /// The connection that looks at the keyspace and clears it; never sees a generated command.
    pub fn control(&mut self) -> &mut Client {
        &mut self.control
    }

    /// Everything as at the start: connections and keyspace.
    fn reset(&mut self, protocol: Protocol) {
        for client in &mut self.connections {
            assert_eq!(client.run("RESET"), Reply::Simple(b"RESET".to_vec()));
            if protocol == Protocol::Resp3 {
                client.hello3();
            }
        }
        assert_eq!(self.control.run("FLUSHALL"), Reply::ok());
    }
}

/// One difference.
#[derive(Clone, Debug)]
pub struct Finding {
    /// Number of the command in the run, or of commands when it was seen at the end.
    pub index: usize,
    /// Name of the command, in capitals.
    pub command: String,
    /// All that there is to say.
    text: String,
}

/// The result of a run.
#[derive(Debug)]
pub struct Report {
    plan: Plan,
    /// Differences, in the order in which they were seen.
    pub findings: Vec<Finding>,
    /// Per command: how often, and how often with an error.
    counts: BTreeMap<String, (usize, usize)>,
}

impl Report {
    /// Fails the test with all differences if there are any.
    #[track_caller]
    pub fn assert_same(&self) {
        assert!(self.findings.is_empty(), "{self}");
    }

    /// Whether a command of this name ran without an error.
    pub fn ran(&self, name: &str) -> bool {
        self.counts.get(name).is_some_and(|(count, errors)| count > errors)
    }

    /// How many commands there were of each kind, for those who tune the generators.
    pub fn print_counts(&self) {
        let total: usize = self.counts.values().map(|(n, _)| n).sum();
        let errors: usize = self.counts.values().map(|(_, e)| e).sum();
        println!("{:?}: {total} commands, {errors} of them errors", self.plan);
        for (name, (count, errors)) in &self.counts {
            println!("  {name:<20} {count:>7} {errors:>7} errors");
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} difference(s); {:?}", self.findings.len(), self.plan)?;
        writeln!(f, "replay: BATON_DIFF_SEED={} (and the same test)", self.plan.seed)?;
        for finding in &self.findings {
            writeln!(f, "\n#{} {}\n{}", finding.index, finding.command, finding.text)?;
        }
        Ok(())
    }
}

/// Runs a plan over these families.
pub fn run(plan: &Plan, families: &[Box<dyn Family>], reference: Side, subject: Side) -> Report {
    let report = Report { plan: plan.clone(), findings: Vec::new(), counts: BTreeMap::new() };
    let mut run = Run { reference, subject, sent: Vec::new(), report };
    run.reference.reset(plan.protocol);
    run.subject.reset(plan.protocol);
    let mut source = Source { generator: Gen::new(plan.seed), families, waiting: Vec::new() };
    let mut carried = None;
    while run.sent.len() < plan.commands && run.report.findings.len() < plan.max_findings {
        let size = source.generator.count(1, MAX_GROUP);
        let mut group: Vec<Step> = Vec::with_capacity(size);
        while group.len() < size {
            let step = carried.take().unwrap_or_else(|| source.next());
            if group.first().is_some_and(|first| first.connection != step.connection) {
                carried = Some(step);
                break;
            }
            let solo = step.check.is_solo();
            group.push(step);
            if solo {
                break;
            }
        }
        if let Err(error) = run.group(&group) {
            let last = group.last().expect("a group has steps").clone();
            run.find(run.sent.len(), &last, &format!("no replies any more: {error}"));
            return run.report;
        }
    }
    if run.report.findings.is_empty() {
        let found = keyspace::difference(run.reference.control(), run.subject.control());
        if let Some(text) = found {
            let last = run.sent.last().cloned().expect("something was sent");
            run.find(run.sent.len(), &last, &format!("the keyspaces differ: {text}"));
        }
    }
    run.report
}

/// Gives steps one by one.
struct Source<'a> {
    generator: Gen,
    families: &'a [Box<dyn Family>],
    /// Steps that were generated and not yet sent, the next one last.
    waiting: Vec<Step>,
}

impl Source<'_> {
    fn next(&mut self) -> Step {
        let g = &mut self.generator;
        while self.waiting.is_empty() {
            let weights: Vec<u32> = self.families.iter().map(|f| f.weight()).collect();
            let family = &self.families[g.weighted(&weights)];
            self.waiting = family.steps(g);
            self.waiting.reverse();
        }
        let mut step = self.waiting.pop().expect("not empty by the loop above");
        if step.may_be_spoiled && g.chance(SPOILED) {
            g.spoil(&mut step.args);
        }
        step
    }
}

struct Run {
    reference: Side,
    subject: Side,
    sent: Vec<Step>,
    report: Report,
}

impl Run {
    /// Sends a group to both servers and compares; an error when a connection broke.
    fn group(&mut self, steps: &[Step]) -> std::io::Result<()> {
        let start = self.sent.len();
        self.sent.extend_from_slice(steps);
        // A step that must be looked at alone is the last of its group.
        let (plain, scan) = match steps.split_last() {
            Some((last, before)) if matches!(last.check, Check::ScanAll) => (before, Some(last)),
            _ => (steps, None),
        };
        let mut bytes = Vec::new();
        plain.iter().for_each(|step| encode_into(&mut bytes, &step.args));
        let connection = steps.first().map_or(MAIN, |step| step.connection);
        for side in [&mut self.reference, &mut self.subject] {
            side.connections[connection].try_send_raw(&bytes)?;
        }
        let mut replies = Vec::with_capacity(plain.len());
        for _ in plain {
            let reference = self.reference.connections[connection].try_read()?;
            let subject = self.subject.connections[connection].try_read()?;
            replies.push((reference, subject));
        }
        for (i, (step, (reference, subject))) in plain.iter().zip(&replies).enumerate() {
            let count = self.report.counts.entry(step.name()).or_default();
            count.0 += 1;
            count.1 += usize::from(reference.is_error());
            if !self.accept(step, reference, subject) {
                self.differ(start + i, step, reference, subject);
                return Ok(());
            }
        }
        if let Some(step) = scan {
            self.scan(self.sent.len() - 1, step);
        }
        Ok(())
    }

    fn accept(&mut self, step: &Step, reference: &Reply, subject: &Reply) -> bool {
        if !matches!(step.check, Check::AnyKey) || reference.is_error() {
            return same(&step.check, reference, subject);
        }
        if reference.is_null() || subject.is_null() {
            return reference == subject;
        }
        let mut exists = |key: &Reply| {
            let args = [b"EXISTS", key.bytes()];
            let (reference, subject) = (&mut self.reference, &mut self.subject);
            [reference, subject]
                .into_iter()
                .all(|side| side.connections[step.connection].cmd(&args) == Reply::Int(1))
        };
        matches!(subject, Reply::Bulk(_)) && exists(reference) && exists(subject)
    }

    fn scan(&mut self, index: usize, step: &Step) {
        let text = |result: Result<Vec<Reply>, Reply>| match result {
            Ok(keys) => Reply::Array(keys),
            Err(reply) => reply,
        };
        let reference =
            text(scan_all(&mut self.reference.connections[step.connection], &step.args));
        let subject = text(scan_all(&mut self.subject.connections[step.connection], &step.args));
        self.report.counts.entry(step.name()).or_default().0 += 1;
        if reference != subject {
            self.differ(index, step, &reference, &subject);
        }
    }

    /// Notes two replies that differ, and brings both servers back to one state.
    fn differ(&mut self, index: usize, step: &Step, reference: &Reply, subject: &Reply) {
        let text = format!("  reference {reference}\n  subject   {subject}");
        self.find(index, step, &text);
        let protocol = self.report.plan.protocol;
        self.reference.reset(protocol);
        self.subject.reset(protocol);
    }

    fn find(&mut self, index: usize, step: &Step, what: &str) {
        let mut text =
            format!("{}  (connection {})\n{what}", show_command(&step.args), step.connection);
        text.push_str("\n  before it, on the same keys:");
        let index = index.min(self.sent.len());
        let everything = super::number_from_env("BATON_DIFF_HISTORY", 0);
        let related: Vec<usize> = (index.saturating_sub(LOOK_BACK)..index)
            .rev()
            .filter(|i| index - i <= everything || is_related(&self.sent[*i], step, index - i))
            .take(HISTORY.max(everything))
            .collect();
        for i in related.into_iter().rev() {
            let Step { connection, args, .. } = &self.sent[i];
            text.push_str(&format!("\n    #{i} [{connection}] {}", show_command(args)));
        }
        self.report.findings.push(Finding { index, command: step.name(), text });
    }
}

/// Whether an earlier step may explain the reply to a later one, `ago` steps after it: it names
/// one of its arguments, or it just moved whole databases or the state of the connection.
fn is_related(earlier: &Step, step: &Step, ago: usize) -> bool {
    const BROAD: &[&str] =
        &["SELECT", "SWAPDB", "FLUSHDB", "FLUSHALL", "MULTI", "EXEC", "DISCARD", "WATCH", "RESET"];
    const JUST: usize = 40;
    let shares = |arg: &Vec<u8>| step.args.get(1..).unwrap_or_default().contains(arg);
    let keys = earlier.args.get(1..).unwrap_or_default().iter().any(shares);
    keys || (ago <= JUST && BROAD.contains(&earlier.name().as_str()))
}
