//! When two replies count as the same.

use super::family::Check;
use crate::client::Reply;

/// Whether the reply of the server under test may stand for that of the reference.
pub fn same(check: &Check, reference: &Reply, subject: &Reply) -> bool {
    let (reference, subject) = (&ordered(reference), &ordered(subject));
    if reference == subject {
        return true;
    }
    if reference.is_error() || subject.is_error() {
        return false;
    }
    match check {
        Check::Exact | Check::AnyKey | Check::ScanAll => false,
        Check::Unordered => match (reference, subject) {
            (Reply::Array(a), Reply::Array(b)) | (Reply::Set(a), Reply::Set(b)) => {
                sorted(a) == sorted(b)
            }
            _ => false,
        },
        Check::Near(tolerance) => match (reference, subject) {
            (Reply::Int(a), Reply::Int(b)) => {
                *a >= 0 && *b >= 0 && a.abs_diff(*b) <= u64::try_from(*tolerance).unwrap_or(0)
            }
            _ => false,
        },
        Check::Aged => aged(reference, subject),
        Check::Shape => std::mem::discriminant(reference) == std::mem::discriminant(subject),
        Check::UnorderedPairs => match (reference, subject) {
            (Reply::Map(_), Reply::Map(_)) | (Reply::Array(_), Reply::Array(_)) => {
                pairs(reference) == pairs(subject)
            }
            _ => false,
        },
        Check::EachNear(tolerance) => match (reference, subject) {
            (Reply::Array(a), Reply::Array(b)) => {
                let near = Check::Near(*tolerance);
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(&near, a, b))
            }
            _ => false,
        },
        Check::Length => match (reference, subject) {
            (Reply::Array(a), Reply::Array(b)) | (Reply::Set(a), Reply::Set(b)) => {
                a.len() == b.len()
            }
            _ => false,
        },
        Check::Except(fields) => match (reference, subject) {
            (Reply::Map(_), Reply::Map(_)) | (Reply::Array(_), Reply::Array(_)) => {
                without(&reference.items(), fields) == without(&subject.items(), fields)
            }
            _ => false,
        },
        Check::Encoding => {
            let plain = |r: &Reply| matches!(r, Reply::Bulk(b) if b == b"raw" || b == b"embstr");
            plain(reference) && plain(subject)
        }
        Check::Each(checks) => match (reference, subject) {
            (Reply::Array(a), Reply::Array(b)) => {
                a.len() == b.len()
                    && a.len() == checks.len()
                    && checks.iter().zip(a.iter().zip(b)).all(|(check, (a, b))| same(check, a, b))
            }
            _ => false,
        },
    }
}

/// How far times and ages may be apart, in milliseconds.
const AGE_TOLERANCE: u64 = 60_000;

/// Replies about streams' groups: points in time may differ a little, and so may the ages in
/// fields `idle` and `inactive` and in the third place of `[id, consumer, age, deliveries]`.
fn aged(a: &Reply, b: &Reply) -> bool {
    /// Milliseconds of Unix time have been above this for decades; no count here is.
    const TIMES: i64 = 100_000_000_000;
    let near = |a: &i64, b: &i64| a.abs_diff(*b) <= AGE_TOLERANCE;
    match (a, b) {
        (Reply::Int(a), Reply::Int(b)) => a == b || (*a.min(b) > TIMES && near(a, b)),
        (Reply::Array(_) | Reply::Map(_), Reply::Array(_) | Reply::Map(_)) => {
            let (a, b) = (a.items(), b.items());
            let is_age = |at: usize| match a.get(at.wrapping_sub(1)) {
                Some(Reply::Bulk(name)) if name == b"idle" || name == b"inactive" => true,
                _ => at == 2 && a.len() == 4 && matches!(a[3], Reply::Int(_)),
            };
            let same = |(at, (a, b)): (usize, (&Reply, &Reply))| match (a, b) {
                (Reply::Int(a), Reply::Int(b)) if is_age(at) => {
                    a == b || (*a.min(b) >= 0 && near(a, b))
                }
                _ => aged(a, b),
            };
            a.len() == b.len() && a.iter().zip(&b).enumerate().all(same)
        }
        _ => a == b,
    }
}

/// The pairs of a map or an array, in one order for all.
fn pairs(reply: &Reply) -> Vec<Vec<Reply>> {
    let mut pairs: Vec<Vec<Reply>> = match reply {
        Reply::Map(pairs) => pairs.iter().map(|(k, v)| vec![k.clone(), v.clone()]).collect(),
        Reply::Array(items) if items.iter().all(|item| matches!(item, Reply::Array(_))) => {
            items.iter().map(Reply::items).collect()
        }
        other => other.items().chunks(2).map(<[Reply]>::to_vec).collect(),
    };
    pairs.sort();
    pairs
}

/// The same list in one order for all.
pub fn sorted(items: &[Reply]) -> Vec<Reply> {
    let mut items = items.to_vec();
    items.sort();
    items
}

/// The reply with every RESP3 set inside it in one order for all: sets have none.
fn ordered(reply: &Reply) -> Reply {
    let all = |items: &[Reply]| items.iter().map(ordered).collect::<Vec<_>>();
    match reply {
        Reply::Set(items) => Reply::Set(sorted(&all(items))),
        Reply::Array(items) => Reply::Array(all(items)),
        Reply::Map(pairs) => {
            Reply::Map(pairs.iter().map(|(k, v)| (ordered(k), ordered(v))).collect())
        }
        other => other.clone(),
    }
}

/// A flat list of pairs without the pairs of these names.
fn without(flat: &[Reply], fields: &[&str]) -> Vec<Reply> {
    let keep = |pair: &&[Reply]| {
        !matches!(pair, [Reply::Bulk(name) | Reply::Simple(name), ..]
            if fields.iter().any(|f| f.as_bytes() == name))
    };
    flat.chunks(2).filter(keep).flatten().cloned().collect()
}

/// A check that lets everything through is worse than none: each kind refuses what it must.
#[test]
fn every_check_can_fail() {
    let int = Reply::Int;
    let list = |texts: &[&str]| Reply::Array(texts.iter().map(Reply::bulk).collect());
    let exact = |a: &Reply, b: &Reply| same(&Check::Exact, a, b);
    assert!(exact(&int(1), &int(1)));
    assert!(!exact(&int(1), &int(2)));
    assert!(!exact(&Reply::bulk("1"), &int(1)));
    assert!(!exact(&Reply::NullBulk, &Reply::Null));
    assert!(!exact(&Reply::NullBulk, &Reply::NullArray));
    assert!(!exact(&Reply::error("ERR a"), &Reply::error("ERR b")));
    assert!(!exact(&list(&["a", "b"]), &list(&["b", "a"])));
    let set = |texts: &[&str]| Reply::Set(texts.iter().map(Reply::bulk).collect());
    assert!(exact(&set(&["a", "b"]), &set(&["b", "a"])));

    assert!(same(&Check::Unordered, &list(&["a", "b"]), &list(&["b", "a"])));
    assert!(!same(&Check::Unordered, &list(&["a", "b"]), &list(&["b", "b"])));
    assert!(!same(&Check::Unordered, &list(&["a"]), &list(&["a", "a"])));

    assert!(same(&Check::Near(2), &int(10), &int(12)));
    assert!(!same(&Check::Near(2), &int(10), &int(13)));
    assert!(!same(&Check::Near(2), &int(-1), &int(-2)));
    assert!(!same(&Check::Near(2), &int(-1), &int(0)));

    assert!(same(&Check::Shape, &int(1), &int(7)));
    assert!(!same(&Check::Shape, &int(1), &Reply::bulk("1")));
    assert!(!same(&Check::Shape, &Reply::error("ERR a"), &Reply::error("ERR b")));

    let flat = list(&["a", "1", "b", "2"]);
    assert!(same(&Check::UnorderedPairs, &flat, &list(&["b", "2", "a", "1"])));
    assert!(!same(&Check::UnorderedPairs, &flat, &list(&["a", "2", "b", "1"])));
    let ints = |a, b| Reply::Array(vec![int(a), int(b)]);
    assert!(same(&Check::EachNear(2), &ints(-1, 10), &ints(-1, 12)));
    assert!(!same(&Check::EachNear(2), &ints(-1, 10), &ints(-2, 10)));

    assert!(same(&Check::Length, &list(&["a", "b"]), &list(&["c", "c"])));
    assert!(!same(&Check::Length, &list(&["a"]), &list(&["a", "b"])));
    assert!(!same(&Check::Length, &int(1), &int(2)));

    let except = Check::Except(&["id"]);
    assert!(same(&except, &list(&["id", "1", "n", "2"]), &list(&["id", "9", "n", "2"])));
    assert!(!same(&except, &list(&["id", "1", "n", "2"]), &list(&["id", "1", "n", "3"])));

    assert!(same(&Check::Encoding, &Reply::bulk("raw"), &Reply::bulk("embstr")));
    assert!(!same(&Check::Encoding, &Reply::bulk("int"), &Reply::bulk("embstr")));

    let pending = |age, deliveries| {
        let parts = [Reply::bulk("1-1"), Reply::bulk("c"), int(age), int(deliveries)];
        Reply::Array(vec![Reply::Array(parts.to_vec())])
    };
    assert!(same(&Check::Aged, &pending(5, 1), &pending(900, 1)));
    assert!(!same(&Check::Aged, &pending(5, 1), &pending(900, 2)));
    assert!(!same(&Check::Aged, &pending(5, 1), &pending(900_000, 1)));
    let field = |name: &str, value| Reply::Array(vec![Reply::bulk(name), int(value)]);
    assert!(same(&Check::Aged, &field("inactive", 5), &field("inactive", 7)));
    assert!(!same(&Check::Aged, &field("inactive", -1), &field("inactive", 0)));
    assert!(!same(&Check::Aged, &field("length", 5), &field("length", 7)));
    let time = 1_700_000_000_000;
    assert!(same(&Check::Aged, &field("seen-time", time), &field("seen-time", time + 9)));

    let each = Check::Each(vec![Check::Exact, Check::Near(5)]);
    let reply = |a, b| Reply::Array(vec![int(a), int(b)]);
    assert!(same(&each, &reply(1, 10), &reply(1, 11)));
    assert!(!same(&each, &reply(1, 10), &reply(2, 10)));
}
