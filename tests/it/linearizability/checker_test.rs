//! The checker, tested: on histories known to be good and known to be bad, and against a brute-force
//! checker that shares nothing with it but the model.

use proptest::prelude::*;

use super::checker::{Stuck, Verdict, check, check_within, parts};
use super::generator::{Item, Profile, items};
use super::history::{History, NEVER, Op, Tick};
use super::model::{Action, ClientId, Cmd, Replace, State, bytes};
use super::witness::Witness;
use crate::client::Reply;

fn op(client: ClientId, time: [Tick; 2], action: Action, reply: Reply) -> Op {
    Op { client, db: 0, action, reply: Some(reply), invoked: time[0], returned: time[1] }
}

fn run(client: ClientId, time: [Tick; 2], cmd: Cmd, reply: Reply) -> Op {
    op(client, time, Action::Run(cmd), reply)
}

fn get(k: &str) -> Cmd {
    Cmd::Get(bytes(k))
}

fn set(k: &str, v: &str) -> Cmd {
    Cmd::Set(bytes(k), bytes(v))
}

fn mset(pairs: &[(&str, &str)]) -> Cmd {
    Cmd::MSet(pairs.iter().map(|(k, v)| (bytes(k), bytes(v))).collect())
}

fn mget(keys: &[&str]) -> Cmd {
    Cmd::MGet(keys.iter().map(bytes).collect())
}

fn values(values: &[Option<&str>]) -> Reply {
    Reply::Array(values.iter().map(|v| v.map_or(Reply::NullBulk, Reply::bulk)).collect())
}

fn history(ops: &[Op]) -> History {
    History { initial: State::default(), ops: ops.to_vec() }
}

#[track_caller]
fn good(ops: &[Op]) {
    let h = history(ops);
    assert!(matches!(check(&h), Verdict::Linearizable), "refused:\n{h:?}");
    assert!(brute_force(&h), "refused by brute force:\n{h:?}");
}

#[track_caller]
fn bad(ops: &[Op]) -> Stuck {
    let h = history(ops);
    assert!(!brute_force(&h), "accepted by brute force:\n{h:?}");
    match check(&h) {
        Verdict::Violation(stuck) => stuck,
        other => panic!("{other:?}:\n{h:?}"),
    }
}

#[test]
fn an_overlapping_read_may_see_old_or_new() {
    for seen in ["1", "2"] {
        good(&[
            run(0, [1, 2], set("k", "1"), Reply::ok()),
            run(0, [3, 8], set("k", "2"), Reply::ok()),
            run(1, [4, 7], get("k"), Reply::bulk(seen)),
        ]);
    }
}

#[test]
fn a_stale_read_is_refused() {
    bad(&[
        run(0, [1, 2], set("k", "1"), Reply::ok()),
        run(0, [3, 4], set("k", "2"), Reply::ok()),
        run(1, [5, 6], get("k"), Reply::bulk("1")),
    ]);
    // Its own write, still in flight for others, is past for the writer.
    bad(&[
        run(0, [1, 2], set("k", "1"), Reply::ok()),
        run(0, [3, 4], get("k"), Reply::NullBulk),
        run(1, [0, 9], set("k", "2"), Reply::ok()),
    ]);
}

#[test]
fn a_read_that_goes_back_in_time_is_refused() {
    let ops = |first: &str, second: &str| {
        [
            run(0, [1, 2], set("k", "1"), Reply::ok()),
            run(0, [3, 20], set("k", "2"), Reply::ok()),
            run(1, [4, 5], get("k"), Reply::bulk(first)),
            run(2, [6, 7], get("k"), Reply::bulk(second)),
        ]
    };
    good(&ops("1", "2"));
    good(&ops("2", "2"));
    bad(&ops("2", "1"));
}

#[test]
fn a_lost_update_is_refused() {
    let incr = || Cmd::IncrBy(bytes("n"), 1);
    good(&[
        run(0, [1, 4], incr(), Reply::Int(2)),
        run(1, [2, 3], incr(), Reply::Int(1)),
        run(2, [5, 6], get("n"), Reply::bulk("2")),
    ]);
    bad(&[run(0, [1, 4], incr(), Reply::Int(1)), run(1, [2, 3], incr(), Reply::Int(1))]);
    bad(&[
        run(0, [1, 4], Cmd::Append(bytes("s"), bytes("a")), Reply::Int(1)),
        run(1, [2, 3], Cmd::Append(bytes("s"), bytes("b")), Reply::Int(2)),
        run(2, [5, 6], get("s"), Reply::bulk("b")),
    ]);
}

#[test]
fn a_torn_mset_is_refused() {
    let ops = |a, b| {
        [
            run(0, [1, 10], mset(&[("a", "1"), ("b", "1")]), Reply::ok()),
            run(1, [2, 3], mget(&["a", "b"]), values(&[a, b])),
        ]
    };
    good(&ops(None, None));
    good(&ops(Some("1"), Some("1")));
    bad(&ops(Some("1"), None));
    bad(&ops(None, Some("1")));
    // The same, seen by single reads one after the other.
    bad(&[
        run(0, [1, 10], mset(&[("a", "1"), ("b", "1")]), Reply::ok()),
        run(1, [2, 3], get("a"), Reply::bulk("1")),
        run(2, [4, 5], get("b"), Reply::NullBulk),
    ]);
}

#[test]
fn two_observers_must_see_one_order() {
    let ops = |x: [Option<&str>; 2], y: [Option<&str>; 2]| {
        [
            run(0, [1, 20], set("a", "1"), Reply::ok()),
            run(1, [2, 21], set("b", "1"), Reply::ok()),
            run(2, [3, 10], mget(&["a", "b"]), values(&x)),
            run(3, [4, 11], mget(&["a", "b"]), values(&y)),
        ]
    };
    good(&ops([Some("1"), None], [Some("1"), Some("1")]));
    bad(&ops([Some("1"), None], [None, Some("1")]));
    // By single reads: each observer's order is its own program's.
    bad(&[
        run(0, [1, 20], set("a", "1"), Reply::ok()),
        run(1, [2, 21], set("b", "1"), Reply::ok()),
        run(2, [3, 4], get("a"), Reply::bulk("1")),
        run(2, [5, 12], get("b"), Reply::NullBulk),
        run(3, [6, 7], get("b"), Reply::bulk("1")),
        run(3, [8, 13], get("a"), Reply::NullBulk),
    ]);
}

#[test]
fn a_pipeline_takes_effect_in_its_order() {
    // SET job and SET index travel in one write; a worker sees the index and asks for the job.
    let ops = |job: Reply| {
        [
            run(0, [1, 10], set("job", "x"), Reply::ok()),
            run(0, [1, 11], set("index", "job"), Reply::ok()),
            run(1, [2, 3], get("index"), Reply::bulk("job")),
            run(1, [4, 5], get("job"), job),
        ]
    };
    good(&ops(Reply::bulk("x")));
    bad(&ops(Reply::NullBulk));
    // Even if the worker asks for both in one pipeline of its own.
    bad(&[
        run(0, [1, 10], set("job", "x"), Reply::ok()),
        run(0, [1, 11], set("index", "job"), Reply::ok()),
        run(1, [2, 8], get("index"), Reply::bulk("job")),
        run(1, [2, 9], get("job"), Reply::NullBulk),
    ]);
    // Two clients that write them have no such order.
    good(&[
        run(0, [1, 10], set("job", "x"), Reply::ok()),
        run(2, [1, 11], set("index", "job"), Reply::ok()),
        run(1, [2, 3], get("index"), Reply::bulk("job")),
        run(1, [4, 5], get("job"), Reply::NullBulk),
    ]);
}

#[test]
fn half_a_rename_is_refused() {
    let ops = |a, b| {
        [
            run(0, [1, 2], set("a", "1"), Reply::ok()),
            run(0, [3, 9], Cmd::Rename(bytes("a"), bytes("b")), Reply::ok()),
            run(1, [4, 5], mget(&["a", "b"]), values(&[a, b])),
        ]
    };
    good(&ops(Some("1"), None));
    good(&ops(None, Some("1")));
    bad(&ops(None, None));
    bad(&ops(Some("1"), Some("1")));
    let copy = Cmd::Copy(bytes("a"), bytes("b"), Replace::No);
    bad(&[
        run(0, [1, 2], set("a", "1"), Reply::ok()),
        run(0, [3, 4], copy, Reply::Int(1)),
        run(1, [5, 6], Cmd::Exists(vec![bytes("a"), bytes("b")]), Reply::Int(1)),
    ]);
}

#[test]
fn half_an_exec_is_refused() {
    let exec = Action::Exec(vec![Cmd::IncrBy(bytes("a"), -5), Cmd::IncrBy(bytes("b"), 5)]);
    let moved = Reply::Array(vec![Reply::Int(5), Reply::Int(5)]);
    let ops = |a, b| {
        [
            run(0, [1, 2], set("a", "10"), Reply::ok()),
            op(0, [3, 9], exec.clone(), moved.clone()),
            run(1, [4, 5], mget(&["a", "b"]), values(&[Some(a), b])),
        ]
    };
    good(&ops("10", None));
    good(&ops("5", Some("5")));
    bad(&ops("5", None));
    bad(&ops("10", Some("5")));
}

#[test]
fn exec_aborts_if_and_only_if_a_watched_key_changed() {
    let watch = || op(0, [1, 2], Action::Watch(vec![bytes("w")]), Reply::ok());
    let exec = |reply| op(0, [5, 6], Action::Exec(vec![set("x", "1")]), reply);
    let done = Reply::Array(vec![Reply::ok()]);
    good(&[watch(), exec(done.clone())]);
    bad(&[watch(), exec(Reply::NullArray)]);
    let other = |time, k| run(1, time, set(k, "1"), Reply::ok());
    good(&[watch(), other([3, 4], "w"), exec(Reply::NullArray)]);
    bad(&[watch(), other([3, 4], "w"), exec(done.clone())]);
    bad(&[watch(), other([3, 4], "v"), exec(Reply::NullArray)]);
    // A write that overlaps may come before, between or after.
    good(&[watch(), other([0, 9], "w"), exec(Reply::NullArray)]);
    good(&[watch(), other([0, 9], "w"), exec(done.clone())]);
    // An aborted one has no effect.
    let x = |reply| run(1, [7, 8], get("x"), reply);
    good(&[watch(), other([3, 4], "w"), exec(Reply::NullArray), x(Reply::NullBulk)]);
    bad(&[watch(), other([3, 4], "w"), exec(Reply::NullArray), x(Reply::bulk("1"))]);
    // UNWATCH forgets.
    let unwatch = op(0, [4, 5], Action::Unwatch, Reply::ok());
    let late = op(0, [6, 7], Action::Exec(vec![]), Reply::Array(vec![]));
    good(&[watch(), other([3, 4], "w"), unwatch, late]);
}

#[test]
fn a_request_without_a_reply_may_have_taken_effect_or_not() {
    let lost = Op {
        client: 0,
        db: 0,
        action: Action::Run(set("k", "1")),
        reply: None,
        invoked: 1,
        returned: NEVER,
    };
    for seen in [Reply::NullBulk, Reply::bulk("1")] {
        good(&[lost.clone(), run(1, [2, 3], get("k"), seen)]);
    }
    bad(&[
        lost.clone(),
        run(1, [2, 3], get("k"), Reply::bulk("1")),
        run(1, [4, 5], get("k"), Reply::NullBulk),
    ]);
}

#[test]
fn keys_are_checked_apart_only_where_nothing_joins_them() {
    let [a, b, c] = [
        run(0, [1, 2], set("a", "1"), Reply::ok()),
        run(1, [1, 3], set("b", "1"), Reply::ok()),
        run(0, [4, 5], set("c", "1"), Reply::ok()),
    ];
    assert_eq!(parts(&history(&[a.clone(), b.clone(), c.clone()])).len(), 3);
    let joined = run(1, [6, 7], mget(&["a", "b"]), values(&[Some("1"), Some("1")]));
    assert_eq!(parts(&history(&[a.clone(), b.clone(), joined, c.clone()])).len(), 2);
    let piped = Op { invoked: 1, ..c.clone() };
    assert_eq!(parts(&history(&[a.clone(), b.clone(), piped])).len(), 2);
    let watch = op(1, [4, 5], Action::Watch(vec![bytes("a")]), Reply::ok());
    let exec = op(1, [6, 7], Action::Exec(vec![get("b")]), values(&[Some("1")]));
    assert_eq!(parts(&history(&[a.clone(), b.clone(), watch, exec, c.clone()])).len(), 2);
    let all = run(1, [6, 7], Cmd::DbSize, Reply::Int(3));
    assert_eq!(parts(&history(&[a, b, c, all])).len(), 1);
}

#[test]
fn the_witness_keeps_the_contradiction_and_little_else() {
    let mut ops = vec![
        run(0, [100, 110], set("job", "x"), Reply::ok()),
        run(0, [100, 111], set("index", "job"), Reply::ok()),
        run(1, [102, 103], get("index"), Reply::bulk("job")),
        run(1, [104, 105], get("job"), Reply::NullBulk),
    ];
    for i in 0..20 {
        ops.push(run(2, [2 * i + 200, 2 * i + 201], set("job", "y"), Reply::ok()));
        ops.push(run(3, [2 * i, 2 * i + 1], get("index"), Reply::NullBulk));
    }
    ops.sort_by_key(|op| op.invoked);
    let h = history(&ops);
    let Verdict::Violation(stuck) = check(&h) else { panic!("accepted:\n{h:?}") };
    let witness = Witness::of(&stuck);
    assert_eq!(witness.history.ops.len(), 4, "{witness}");
    assert!(witness.stuck.is_some(), "{witness}");
}

/// Tries every order, with no memory and no reduction: for histories of a few operations.
fn brute_force(history: &History) -> bool {
    fn try_all(state: &State, left: &[Op]) -> bool {
        if left.iter().all(|op| op.returned == NEVER) {
            return true;
        }
        left.iter().enumerate().any(|(i, op)| {
            let earlier_of_client = left[..i].iter().any(|o| o.client == op.client);
            let answered_before = left.iter().any(|o| o.returned < op.invoked);
            if earlier_of_client || answered_before {
                return false;
            }
            let mut next = state.clone();
            let reply = next.act(op.client, op.db, &op.action);
            if op.reply.as_ref().is_some_and(|seen| *seen != reply) {
                return false;
            }
            let mut rest = left.to_vec();
            rest.remove(i);
            try_all(&next, &rest)
        })
    }
    try_all(&history.initial, &history.ops)
}

/// A history that a correct server could have produced: clients send pipelines, a single-threaded
/// server performs one request at a time, replies arrive late, all in random order.
fn simulated(seed: u64, clients: usize, ops: usize, profile: Profile) -> History {
    #[derive(Default)]
    struct Sim {
        waiting: Vec<Action>,
        sent: Tick,
        answered: Vec<(Action, Reply)>,
        queued: Vec<Cmd>,
        plan: Vec<Vec<Item>>,
    }
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut sims: Vec<Sim> = (0..clients)
        .map(|c| Sim {
            plan: items(&mut rng, profile, u16::try_from(c).expect("few clients"), ops),
            ..Sim::default()
        })
        .collect();
    for sim in &mut sims {
        sim.plan.reverse();
    }
    let mut history = History::default();
    let mut state = State::default();
    let mut tick = 0;
    loop {
        let busy = |s: &Sim| !(s.waiting.is_empty() && s.answered.is_empty() && s.plan.is_empty());
        let open: Vec<usize> = (0..clients).filter(|&c| busy(&sims[c])).collect();
        let Some(&c) = rng.choice(&open) else { break };
        let (sim, client) = (&mut sims[c], u16::try_from(c).expect("few clients"));
        let db = profile.database_of(client);
        tick += 1;
        if !sim.answered.is_empty() && (sim.waiting.is_empty() || rng.bool()) {
            let (action, reply) = sim.answered.remove(0);
            let (invoked, reply) = (sim.sent, Some(action.tidy(reply)));
            history.ops.push(Op { client, db, action, reply, invoked, returned: tick });
        } else if !sim.waiting.is_empty() {
            let action = sim.waiting.remove(0);
            let reply = state.act(client, db, &action);
            sim.answered.push((action, reply));
        } else if let Some(step) = sim.plan.pop() {
            sim.sent = tick;
            for item in step {
                match item {
                    Item::Act(action) => sim.waiting.push(action),
                    Item::Multi => {}
                    Item::Queue(cmd) => sim.queued.push(cmd),
                    Item::Exec => {
                        sim.waiting.push(Action::Exec(std::mem::take(&mut sim.queued)));
                    }
                }
            }
        }
    }
    history
}

/// Gives one operation an answer that is not its own: another's, or a changed one.
fn mutate(history: &mut History, rng: &mut fastrand::Rng) {
    let n = history.ops.len();
    let (i, j) = (rng.usize(..n), rng.usize(..n));
    let other = history.ops[j].reply.clone();
    let op = &mut history.ops[i];
    op.reply = match op.reply.clone() {
        Some(Reply::Int(k)) => Some(Reply::Int(k + 1)),
        Some(Reply::Array(mut items)) if !items.is_empty() => {
            let k = rng.usize(..items.len());
            items[k] = if items[k].is_null() { Reply::bulk("1") } else { Reply::NullBulk };
            Some(Reply::Array(items))
        }
        Some(Reply::Bulk(_)) if rng.bool() => Some(Reply::NullBulk),
        Some(Reply::NullBulk) => Some(Reply::bulk("1")),
        _ => other,
    };
}

fn accepts(history: &History) -> bool {
    match check_within(history, 1_000_000) {
        Verdict::Linearizable => true,
        Verdict::Violation(_) => false,
        Verdict::Undecided => panic!("undecided:\n{history:?}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 400,
        // The seed is printed; a file of seeds would outlive the generator that gave them meaning.
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// What a correct server produced is accepted, at the size of the recorded histories.
    #[test]
    fn simulated_histories_are_accepted(
        seed: u64,
        clients in 1..9_usize,
        profile in prop::sample::select(Profile::ALL.to_vec()),
    ) {
        let h = simulated(seed, clients, 12, profile);
        prop_assert!(accepts(&h), "refused:\n{h:?}");
    }

    /// The verdict is brute force's, on good and on spoilt histories.
    #[test]
    fn small_histories_are_judged_as_by_brute_force(
        seed: u64,
        clients in 1..5_usize,
        spoilt in 0..3_u8,
        profile in prop::sample::select(Profile::ALL.to_vec()),
    ) {
        let mut h = simulated(seed, clients, 6_usize.div_ceil(clients), profile);
        h.ops.truncate(8);
        let mut rng = fastrand::Rng::with_seed(seed ^ 1);
        for _ in 0..spoilt {
            mutate(&mut h, &mut rng);
        }
        prop_assert_eq!(accepts(&h), brute_force(&h), "{:?}", h);
    }
}

/// The values written are different from each other, so that a wrong answer is nearly always
/// impossible.
#[test]
fn one_wrong_answer_is_nearly_always_refused() {
    let (mut refused, mut tried) = (0, 0);
    for seed in 0..300 {
        let profile = Profile::ALL[seed as usize % Profile::ALL.len()];
        let good = simulated(seed, 6, 10, profile);
        let mut spoilt = good.clone();
        mutate(&mut spoilt, &mut fastrand::Rng::with_seed(seed));
        let differs = good.ops.iter().zip(&spoilt.ops).any(|(a, b)| a.reply != b.reply);
        if differs {
            tried += 1;
            refused += usize::from(!accepts(&spoilt));
        }
    }
    assert!(tried > 200, "{tried} histories were really changed");
    assert!(refused * 100 >= tried * 90, "refused {refused} of {tried}");
}

/// A few hundred operations of eight clients are judged within seconds, right or wrong.
#[test]
fn long_histories_are_judged_in_bounded_time() {
    let begin = crate::wait::now();
    for (seed, profile) in Profile::ALL.into_iter().enumerate() {
        let mut h = simulated(seed as u64, 8, 50, profile);
        assert!(h.ops.len() >= 400);
        assert!(accepts(&h));
        mutate(&mut h, &mut fastrand::Rng::with_seed(seed as u64));
        accepts(&h);
    }
    let took = begin.elapsed();
    assert!(took < std::time::Duration::from_secs(20), "took {took:?}");
}
