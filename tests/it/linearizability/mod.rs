//! Strict serializability: what all clients see together could have been seen on one thread.
//!
//! `model` says what a single-threaded server does; `history` what was asked and answered;
//! `checker` whether the two agree; `recorder` makes histories with real clients and the requests
//! of `generator`, `witness` makes what is wrong with one readable; `invariants` and `queues` are long runs with one question each. `faulty` is a server that
//! breaks one promise at a time: every promise has a fault that these tests must catch.
//!
//! Chance comes from one seed, printed with every failure: `BATON_LIN_SEED=…` sets it,
//! `BATON_LIN_SCALE=…` multiplies rounds and time (threads race, so a seed repeats the requests,
//! not their timing).

pub mod checker;
mod checker_test;
mod faulty;
pub mod generator;
pub mod history;
mod invariants;
pub mod model;
mod queues;
pub mod recorder;
mod witness;

use std::net::SocketAddrV4;
use std::time::Duration;

use faulty::{Fault, FaultyServer};
use invariants::{Invariant, Trial};
use recorder::{Load, record};

use crate::server::{Server, ServerOptions, Target};

/// Concurrent clients of a history.
const CLIENTS: u16 = 8;
/// Operations of each client in a history.
const OPS: usize = 16;

fn from_env(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|e| panic!("{name}={text}: {e}")))
}

/// The seed of this run: another each time unless the environment gives one.
fn seed() -> u64 {
    from_env("BATON_LIN_SEED").unwrap_or_else(|| fastrand::u64(..))
}

/// By how much this run is longer than a run in CI.
fn scale() -> u32 {
    let scale = from_env("BATON_LIN_SCALE").unwrap_or(1);
    u32::try_from(scale).expect("BATON_LIN_SCALE fits 32 bits")
}

fn load(rounds: usize) -> Load {
    let rounds = rounds * scale() as usize;
    Load { clients: CLIENTS, ops: OPS, rounds, seed: seed() }
}

fn trial(addr: SocketAddrV4, millis: u64) -> Trial {
    Trial { addr, seed: seed(), time: Duration::from_millis(millis) * scale() }
}

/// Histories and invariants on one server; every violation is told.
fn examine(addr: SocketAddrV4, rounds: usize, millis: u64) {
    let mut violations = Vec::new();
    match record(addr, load(rounds)) {
        Ok(checked) => println!("{checked} operations checked"),
        Err(violation) => violations.push(violation),
    }
    for (name, invariant) in invariants::ALL {
        match invariant(trial(addr, millis)) {
            Ok(steps) => println!("{name}: {steps} steps"),
            Err(violation) => violations.push(format!("{name}: {violation}")),
        }
    }
    assert!(violations.is_empty(), "{}", violations.join("\n\n"));
}

#[test]
fn the_reference_server_passes() {
    let server = Server::start(ServerOptions::default().target(Target::Valkey));
    examine(server.addr(), 40, 400);
}

/// The server under test: Baton, unless the environment says otherwise.
fn under_test(shards: usize, lend: bool, acceptors: usize) -> Server {
    let options = ServerOptions { acceptors: Some(acceptors), ..ServerOptions::new(shards, lend) };
    Server::start(options)
}

#[test]
fn one_shard() {
    examine(under_test(1, true, 2).addr(), 60, 400);
}

#[test]
fn four_shards_that_lend() {
    examine(under_test(4, true, 2).addr(), 200, 1500);
}

#[test]
fn four_shards_that_keep() {
    examine(under_test(4, false, 2).addr(), 200, 1500);
}

#[test]
fn four_shards_and_one_acceptor() {
    examine(under_test(4, true, 1).addr(), 80, 500);
}

#[test]
fn four_shards_and_three_acceptors() {
    examine(under_test(4, true, 3).addr(), 80, 500);
}

#[test]
fn sixteen_shards() {
    examine(under_test(16, true, 3).addr(), 80, 500);
    examine(under_test(16, false, 2).addr(), 80, 500);
}

#[test]
fn sixty_four_shards() {
    examine(under_test(64, false, 3).addr(), 60, 600);
}

/// The queues of a server; a violation is told.
fn examine_queues(addr: SocketAddrV4, millis: u64) {
    match queues::nothing_is_popped_twice_or_lost(trial(addr, millis)) {
        Ok(steps) => println!("{steps} steps"),
        Err(violation) => panic!("{violation}"),
    }
}

#[test]
fn queues_of_the_reference() {
    let server = Server::start(ServerOptions::default().target(Target::Valkey));
    examine_queues(server.addr(), 400);
}

#[test]
fn queues() {
    for (shards, lend, acceptors) in
        [(1, true, 2), (4, true, 1), (4, true, 3), (4, false, 2), (16, true, 2)]
    {
        println!("{shards} shards, lending {lend}, {acceptors} acceptors");
        examine_queues(under_test(shards, lend, acceptors).addr(), 1500);
    }
}

#[test]
fn a_correct_stand_in_passes() {
    let server = FaultyServer::start(Fault::None);
    examine(server.addr(), 30, 300);
}

/// The recorded histories must show this fault within a bounded number of rounds.
fn histories_show(fault: Fault) {
    let begin = crate::wait::now();
    let server = FaultyServer::start(fault);
    // Small histories: to find that there is no order takes longer than to find one.
    let load = Load { clients: 5, ops: 10, ..load(400) };
    match record(server.addr(), load) {
        Ok(checked) => panic!("{fault:?} not noticed in {checked} operations"),
        Err(violation) => {
            assert!(violation.contains("not strictly serializable"), "{fault:?}: {violation}");
            println!("{fault:?} after {:?}: {violation}", begin.elapsed());
        }
    }
}

#[test]
fn histories_show_torn_commands() {
    for fault in [Fault::TornMSet, Fault::TornMGet, Fault::HalfRename, Fault::HalfExec] {
        histories_show(fault);
    }
}

#[test]
fn histories_show_wrong_watches() {
    for fault in [Fault::BlindWatch, Fault::NeedlessAbort] {
        histories_show(fault);
    }
}

#[test]
fn histories_show_wrong_orders() {
    for fault in [Fault::LostUpdate, Fault::StaleRead, Fault::EarlyReply, Fault::ShardOrder] {
        histories_show(fault);
    }
}

#[test]
fn histories_show_torn_databases() {
    for fault in [Fault::TornFlush, Fault::TornSwap] {
        histories_show(fault);
    }
}

#[test]
fn histories_show_torn_pops() {
    histories_show(Fault::TornPop);
}

/// Each invariant must notice these faults; it gets ten times the time that it normally has.
#[test]
fn invariants_notice_their_faults() {
    let cases: [(Invariant, &[Fault]); 5] = [
        (
            invariants::money_is_neither_made_nor_lost,
            &[Fault::HalfExec, Fault::BlindWatch, Fault::TornMGet],
        ),
        (invariants::an_announced_job_is_there, &[Fault::ShardOrder, Fault::EarlyReply]),
        (
            invariants::versions_never_mix_nor_go_back,
            &[Fault::TornMSet, Fault::TornMGet, Fault::StaleRead, Fault::EarlyReply],
        ),
        (invariants::a_renamed_key_is_in_one_place, &[Fault::HalfRename, Fault::TornMGet]),
        (invariants::databases_change_as_a_whole, &[Fault::TornFlush, Fault::TornSwap]),
    ];
    for (invariant, faults) in cases {
        for &fault in faults {
            let server = FaultyServer::start(fault);
            match invariant(trial(server.addr(), 4000)) {
                Ok(steps) => panic!("{fault:?} not noticed in {steps} steps"),
                Err(violation) => println!("{fault:?}: {violation}"),
            }
        }
    }
}
