//! The redis crate, as an example of a client library that knows nothing of this harness.

use crate::client::Reply;
use crate::server::each_plain_form;

fn connect(port: u16, query: &str) -> redis::Connection {
    let url = format!("redis://127.0.0.1:{port}/{query}");
    redis::Client::open(url).and_then(|client| client.get_connection()).expect("connect")
}

#[test]
fn connects_and_works() {
    each_plain_form(|server| {
        for query in ["", "?protocol=resp3", "3"] {
            let mut con = connect(server.port(), query);
            let () = redis::cmd("SET").arg("k").arg(42).query(&mut con).expect("SET");
            let n: i64 = redis::cmd("INCRBY").arg("k").arg(8).query(&mut con).expect("INCRBY");
            assert_eq!(n, 50);
            let none: Option<String> = redis::cmd("GET").arg("none").query(&mut con).expect("GET");
            assert_eq!(none, None);
            let values: Vec<Option<String>> =
                redis::cmd("MGET").arg(&["k", "none"]).query(&mut con).expect("MGET");
            assert_eq!(values, [Some("50".to_owned()), None]);
            let error = redis::cmd("INCR").arg("k").arg("x").query::<i64>(&mut con);
            assert!(error.is_err());
        }
        assert_eq!(server.client().run("DBSIZE"), Reply::Int(1));
    });
}

#[test]
fn pipelines_and_transactions() {
    each_plain_form(|server| {
        let mut con = connect(server.port(), "?protocol=resp3");
        let mut pipe = redis::pipe();
        for i in 0..1000 {
            pipe.cmd("SET").arg(format!("k{i}")).arg(i).ignore();
            pipe.cmd("GET").arg(format!("k{i}"));
        }
        let values: Vec<i64> = pipe.query(&mut con).expect("a pipeline");
        assert_eq!(values, (0..1000).collect::<Vec<i64>>());
        let mut pipe = redis::pipe();
        pipe.atomic().cmd("INCR").arg("a").cmd("INCR").arg("b").cmd("MGET").arg(&["a", "b"]);
        let reply: (i64, i64, Vec<i64>) = pipe.query(&mut con).expect("a transaction");
        assert_eq!(reply, (1, 1, vec![1, 1]));
    });
}
