//! HyperLogLogs: large ones, where the estimate and the bytes of a real server are the measure;
//! and a few plain cases to read first when the differential tests fail.

use crate::client::{Client, Reply};
use crate::server::{Server, ServerOptions, Target, each_plain_form};

fn fill(c: &mut Client, key: &str, from: usize, to: usize) {
    const CHUNK: usize = 1000;
    let commands: Vec<Vec<String>> = (from..to)
        .step_by(CHUNK)
        .map(|start| {
            let elements = (start..(start + CHUNK).min(to)).map(|n| format!("element:{n}"));
            ["PFADD".to_owned(), key.to_owned()].into_iter().chain(elements).collect()
        })
        .collect();
    let replies = c.pipeline(&commands);
    assert!(replies.iter().all(|reply| matches!(reply, Reply::Int(_))));
}

#[test]
fn large_ones_are_those_of_the_reference() {
    let reference = Server::start(ServerOptions::default().target(Target::Valkey));
    each_plain_form(|server| {
        let (mut ours, mut theirs) = (server.client(), reference.client());
        for c in [&mut ours, &mut theirs] {
            c.run("FLUSHALL");
            fill(c, "a", 0, 100_000);
            fill(c, "b", 90_000, 120_000);
            fill(c, "small", 0, 500);
            c.run("PFMERGE union a b small");
            c.run("PFMERGE sparse small");
        }
        for key in ["a", "b", "small", "union", "sparse"] {
            for command in ["PFCOUNT", "PFDEBUG ENCODING", "GET"] {
                let command = format!("{command} {key}");
                assert_eq!(ours.run(&command), theirs.run(&command), "{command}");
            }
        }
        assert_eq!(ours.run("PFCOUNT a b none"), theirs.run("PFCOUNT a b none"));
        assert_eq!(ours.run("PFCOUNT union"), ours.run("PFCOUNT a b small"));
        assert_eq!(ours.run("PFSELFTEST"), Reply::ok());
    });
}

#[test]
fn the_largest_sparse_one_is_configured() {
    each_plain_form(|server| {
        let mut c = server.client();
        assert_eq!(c.config("hll-sparse-max-bytes"), "3000");
        fill(&mut c, "a", 0, 20);
        assert_eq!(c.run("PFDEBUG ENCODING a"), Reply::Simple(b"sparse".to_vec()));
        assert_eq!(c.run("CONFIG SET hll-sparse-max-bytes 30"), Reply::ok());
        fill(&mut c, "b", 0, 20);
        assert_eq!(c.run("PFDEBUG ENCODING b"), Reply::Simple(b"dense".to_vec()));
        assert_eq!(c.run("PFCOUNT a"), c.run("PFCOUNT b"));
    });
}
