//! Streams against a plain model: a list of entries and maps of what is pending.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::value::listpack::Item;

const CASES: u32 = if cfg!(miri) { 4 } else { 256 };
const STEPS: usize = if cfg!(miri) { 12 } else { 80 };
const SMALL_NODES: Limits = Limits { node_bytes: 120, node_entries: 4 };

type Pairs = Vec<(Vec<u8>, Vec<u8>)>;

/// The plain model.
#[derive(Default)]
struct Model {
    entries: BTreeMap<StreamId, Pairs>,
    last_id: StreamId,
    max_deleted_id: StreamId,
    added: u64,
}

#[derive(Clone, Debug)]
enum Step {
    Append { ahead: u64, pairs: Pairs },
    Remove(prop::sample::Index),
    RemoveMissing(u64),
    TrimLen { len: u64, approximate: bool, limit: u64 },
    TrimId { at: prop::sample::Index, approximate: bool, limit: u64 },
    TrimAsking { len: u64, odd: bool },
    Duplicate,
}

fn pairs() -> impl Strategy<Value = Pairs> {
    let name = prop_oneof![Just(b"a".to_vec()), Just(b"b".to_vec()), Just(b"12".to_vec())];
    let value = prop_oneof![
        Just(b"7".to_vec()),
        Just(b"-300".to_vec()),
        prop::collection::vec(any::<u8>(), 0..20),
    ];
    prop::collection::vec((name, value), 1..4)
}

fn step() -> impl Strategy<Value = Step> {
    let limit = prop_oneof![4 => Just(0u64), 1 => 1..20u64];
    prop_oneof![
        8 => (prop_oneof![Just(1u64), 1..3u64, Just(1 << 40)], pairs())
            .prop_map(|(ahead, pairs)| Step::Append { ahead, pairs }),
        4 => any::<prop::sample::Index>().prop_map(Step::Remove),
        1 => any::<u64>().prop_map(Step::RemoveMissing),
        1 => (0..30u64, any::<bool>(), limit.clone())
            .prop_map(|(len, approximate, limit)| Step::TrimLen { len, approximate, limit }),
        1 => (any::<prop::sample::Index>(), any::<bool>(), limit)
            .prop_map(|(at, approximate, limit)| Step::TrimId { at, approximate, limit }),
        1 => (0..30u64, any::<bool>()).prop_map(|(len, odd)| Step::TrimAsking { len, odd }),
        1 => Just(Step::Duplicate),
    ]
}

fn bytes_of(item: Item<'_>) -> Vec<u8> {
    item.to_vec()
}

fn plain(entry: Entry<'_>) -> (StreamId, Pairs) {
    assert_eq!(entry.fields.len(), entry.fields.clone().count());
    (entry.id, entry.fields.map(|(name, value)| (bytes_of(name), bytes_of(value))).collect())
}

fn as_fields(pairs: &Pairs) -> impl ExactSizeIterator<Item = (&[u8], &[u8])> + Clone {
    pairs.iter().map(|(name, value)| (&name[..], &value[..]))
}

/// Everything that can be seen of a stream is as the model says.
fn compare(stream: &Stream, model: &Model) {
    let log = stream.log();
    log.check();
    assert_eq!(log.len(), model.entries.len() as u64);
    assert_eq!(log.last_id(), model.last_id);
    assert_eq!(log.max_deleted_id(), model.max_deleted_id);
    assert_eq!(log.added(), model.added);
    let first = model.entries.keys().next().copied();
    assert_eq!(log.first_id(), first.unwrap_or_default());
    assert_eq!(log.last_entry_id(), model.entries.keys().next_back().copied());
    let expected: Vec<(StreamId, Pairs)> =
        model.entries.iter().map(|(id, pairs)| (*id, pairs.clone())).collect();
    let forward: Vec<_> = log.range(StreamId::MIN, StreamId::MAX).map(plain).collect();
    assert_eq!(forward, expected);
    let mut backward: Vec<_> = log.range_back(StreamId::MIN, StreamId::MAX).map(plain).collect();
    backward.reverse();
    assert_eq!(backward, expected);
}

fn apply(stream: &mut Stream, model: &mut Model, step: &Step) {
    match step {
        Step::Append { ahead, pairs } => {
            let number = model.last_id.number() + u128::from(*ahead);
            let id = StreamId::from_number(number);
            stream.log_mut().append(id, as_fields(pairs), SMALL_NODES).expect("a greater id");
            let again = stream.log_mut().append(id, as_fields(pairs), SMALL_NODES);
            assert_eq!(again, Err(AppendError::IdTooSmall));
            model.entries.insert(id, pairs.clone());
            model.last_id = id;
            model.added += 1;
        }
        Step::Remove(index) => {
            if model.entries.is_empty() {
                return;
            }
            let id = *index.get(&model.entries.keys().copied().collect::<Vec<_>>());
            model.entries.remove(&id);
            model.max_deleted_id = model.max_deleted_id.max(id);
            assert!(stream.log_mut().remove(id) && !stream.log_mut().remove(id));
        }
        Step::RemoveMissing(seq) => {
            let id = StreamId::new(u64::MAX, *seq);
            assert!(!stream.log_mut().remove(id));
        }
        Step::TrimLen { len, approximate, limit } => {
            let trim =
                Trim { threshold: Threshold::Len(*len), approximate: *approximate, limit: *limit };
            trim_both(stream, model, trim);
        }
        Step::TrimId { at, approximate, limit } => {
            let ids: Vec<StreamId> =
                model.entries.keys().copied().chain([model.last_id, StreamId::MAX]).collect();
            let threshold = Threshold::Id(*at.get(&ids));
            trim_both(stream, model, Trim { threshold, approximate: *approximate, limit: *limit });
        }
        Step::TrimAsking { len, odd } => {
            let trim = Trim { threshold: Threshold::Len(*len), approximate: false, limit: 0 };
            let may_go = |id: StreamId| (id.seq % 2 == 1) == *odd;
            let excess = (model.entries.len() as u64).saturating_sub(*len);
            let removed = stream.log_mut().trim_asking(trim, &mut |id| may_go(id));
            assert!(removed <= excess);
            // Of those that may go, the first; nothing is looked at behind a node that must stay
            // in part.
            let gone: Vec<StreamId> = model
                .entries
                .keys()
                .copied()
                .filter(|id| may_go(*id))
                .take(removed as usize)
                .collect();
            for id in gone {
                model.entries.remove(&id);
            }
        }
        Step::Duplicate => {
            let copy = stream.duplicate();
            assert_eq!(copy.bytes() > 0, stream.bytes() > 0);
            *stream = copy;
        }
    }
}

/// An exact trimming removes just what it must, an approximate one no more than that.
fn trim_both(stream: &mut Stream, model: &mut Model, trim: Trim) {
    let removed = stream.log_mut().trim(trim);
    let excess = match trim.threshold {
        Threshold::Len(len) => (model.entries.len() as u64).saturating_sub(len),
        Threshold::Id(id) => model.entries.range(..id).count() as u64,
    };
    assert!(removed <= excess && (trim.limit == 0 || removed <= trim.limit));
    if !trim.approximate && trim.limit == 0 {
        assert_eq!(removed, excess);
    }
    for _ in 0..removed {
        model.entries.pop_first();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(CASES))]

    #[test]
    fn a_log_is_as_the_model(
        steps in prop::collection::vec(step(), 1..STEPS),
        bounds in prop::collection::vec(any::<(prop::sample::Index, prop::sample::Index)>(), 6),
    ) {
        let (mut stream, mut model) = (Stream::new(), Model::default());
        for step in &steps {
            apply(&mut stream, &mut model, step);
            compare(&stream, &model);
        }
        let edges: Vec<StreamId> = model
            .entries
            .keys()
            .flat_map(|id| [id.prev().unwrap_or_default(), *id, id.next().unwrap_or(StreamId::MAX)])
            .chain([StreamId::MIN, StreamId::MAX])
            .collect();
        for (start, end) in bounds {
            let (start, end) = (*start.get(&edges), *end.get(&edges));
            let log = stream.log();
            let expected: Vec<StreamId> =
                model.entries.keys().filter(|id| start <= **id && **id <= end).copied().collect();
            let forward: Vec<StreamId> = log.range(start, end).map(|entry| entry.id).collect();
            let mut backward: Vec<StreamId> =
                log.range_back(start, end).map(|entry| entry.id).collect();
            backward.reverse();
            prop_assert_eq!(&forward, &expected);
            prop_assert_eq!(&backward, &expected);
            prop_assert_eq!(log.contains(start), model.entries.contains_key(&start));
        }
    }

    /// What is loaded from nodes is what was there; a node with a byte changed is refused or is
    /// another stream, but never does harm.
    #[test]
    fn nodes_from_outside_are_checked(
        steps in prop::collection::vec(step(), 1..STEPS),
        damage in any::<(prop::sample::Index, prop::sample::Index, u8)>(),
    ) {
        let (mut stream, mut model) = (Stream::new(), Model::default());
        for step in &steps {
            apply(&mut stream, &mut model, step);
        }
        let log = stream.log();
        let counters = Counters {
            last_id: log.last_id(),
            max_deleted_id: log.max_deleted_id(),
            added: log.added(),
        };
        let mut nodes: Vec<(StreamId, Listpack)> =
            log.nodes().map(|(id, pack)| (id, pack.to_listpack())).collect();
        let loaded = Stream::from_nodes(nodes.clone(), counters).expect("the same stream");
        compare(&loaded, &model);
        if !nodes.is_empty() {
            let (node, at, byte) = damage;
            let node = node.index(nodes.len());
            let mut bytes = nodes[node].1.as_bytes().to_vec();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            if let Ok(pack) = Listpack::from_bytes(&bytes) {
                nodes[node].1 = pack;
                if let Ok(other) = Stream::from_nodes(nodes, counters) {
                    other.log().check();
                    let forward = other.log().range(StreamId::MIN, StreamId::MAX).map(plain).count();
                    let backward = other.log().range_back(StreamId::MIN, StreamId::MAX).count();
                    prop_assert_eq!(forward, backward);
                }
            }
        }
    }
}

/// What a group does, in the model: pending entries with their consumers.
#[derive(Clone, Debug)]
enum GroupStep {
    Assign { id: u64, consumer: usize, deliveries: i64 },
    Settle(u64),
    SettleEverywhere(u64),
    RemoveConsumer(usize),
}

fn group_step() -> impl Strategy<Value = GroupStep> {
    prop_oneof![
        6 => (1..12u64, 0..3usize, 1..4i64)
            .prop_map(|(id, consumer, deliveries)| GroupStep::Assign { id, consumer, deliveries }),
        3 => (1..12u64).prop_map(GroupStep::Settle),
        1 => (1..12u64).prop_map(GroupStep::SettleEverywhere),
        1 => (0..3usize).prop_map(GroupStep::RemoveConsumer),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(CASES))]

    #[test]
    fn a_group_is_as_the_model(steps in prop::collection::vec(group_step(), 1..STEPS)) {
        const NAMES: [&[u8]; 3] = [b"b", b"a", b"\xff"];
        let mut stream = Stream::new();
        prop_assert!(stream.create_group(b"g", StreamId::MIN, None));
        prop_assert!(!stream.create_group(b"g", StreamId::MAX, Some(3)));
        let empty = stream.bytes();
        let mut model: BTreeMap<u64, (usize, i64)> = BTreeMap::new();
        let mut known = [false; 3];
        for step in steps {
            let id_of = |id| StreamId::new(0, id);
            match step {
                GroupStep::Assign { id, consumer, deliveries } => {
                    let mut group = stream.group_mut(b"g").expect("the group");
                    let name = NAMES[consumer];
                    let found = group.find_consumer(name);
                    prop_assert_eq!(found.is_some(), known[consumer]);
                    known[consumer] = true;
                    let who = found.unwrap_or_else(|| group.create_consumer(name, 5));
                    let pending = Pending { delivered_ms: 7, deliveries, consumer: who };
                    group.assign(id_of(id), pending);
                    model.insert(id, (consumer, deliveries));
                }
                GroupStep::Settle(id) => {
                    let mut group = stream.group_mut(b"g").expect("the group");
                    let settled = group.settle(id_of(id)).map(|pending| pending.deliveries);
                    prop_assert_eq!(settled, model.remove(&id).map(|(_, deliveries)| deliveries));
                }
                GroupStep::SettleEverywhere(id) => {
                    stream.settle_everywhere(id_of(id));
                    model.remove(&id);
                }
                GroupStep::RemoveConsumer(consumer) => {
                    let mut group = stream.group_mut(b"g").expect("the group");
                    let Some(who) = group.find_consumer(NAMES[consumer]) else { continue };
                    let with_it = model.values().filter(|(of, _)| *of == consumer).count();
                    prop_assert_eq!(group.remove_consumer(who), with_it);
                    known[consumer] = false;
                    model.retain(|_, (of, _)| *of != consumer);
                }
            }
            let group = stream.group(b"g").expect("the group");
            let pending: Vec<(u64, Vec<u8>, i64)> = group
                .pending_range(StreamId::MIN..=StreamId::MAX)
                .map(|(id, one)| {
                    (id.seq, group.consumer(one.consumer).name().to_vec(), one.deliveries)
                })
                .collect();
            let expected: Vec<(u64, Vec<u8>, i64)> = model
                .iter()
                .map(|(id, (consumer, deliveries))| (*id, NAMES[*consumer].to_vec(), *deliveries))
                .collect();
            prop_assert_eq!(pending, expected);
            let mut last: Option<Vec<u8>> = None;
            for (id, consumer) in group.consumers() {
                prop_assert!(last.is_none_or(|last| *last < *consumer.name()));
                last = Some(consumer.name().to_vec());
                let own = group.pending_of(id, StreamId::MIN..=StreamId::MAX);
                prop_assert_eq!(own.count(), consumer.pending_len());
            }
            let slowest = stream.slowest_group();
            for id in 1..12 {
                prop_assert!(stream.is_referenced(id_of(id), slowest));
                let is_pending = stream.is_referenced(id_of(id), Some(StreamId::MAX));
                prop_assert_eq!(is_pending, model.contains_key(&id));
            }
        }
        prop_assert!(stream.remove_group(b"g") && !stream.remove_group(b"g"));
        prop_assert!(stream.bytes() < empty);
        prop_assert_eq!(stream.0.group_bytes, 0);
    }
}

fn log_of(ids: &[u64]) -> Log {
    let mut log = Log::default();
    for &seq in ids {
        let fields = [(&b"f"[..], &b"v"[..])];
        log.append(StreamId::new(0, seq), fields.into_iter(), SMALL_NODES).expect("in order");
    }
    log
}

/// The counts of entries read and left, as the reference gives them.
#[test]
fn lag_is_told_where_it_is_certain() {
    let id = |seq| StreamId::new(0, seq);
    let mut log = log_of(&[1, 2, 3, 4, 5]);
    let mut group = Group::new(StreamId::MIN, None);
    assert_eq!(group.lag(&log), Some(5));
    assert!(group.read_up_to(&log, id(1)));
    assert_eq!((group.read(), group.lag(&log)), (Some(1), Some(4)));
    assert!(group.read_up_to(&log, id(2)) && !group.read_up_to(&log, id(2)));
    assert_eq!((group.read(), group.lag(&log)), (Some(2), Some(3)));
    // A tombstone ahead makes the count uncertain until the group is past it.
    log.remove(id(4));
    assert_eq!(group.lag(&log), None);
    group.read_up_to(&log, id(3));
    assert_eq!((group.read(), group.lag(&log)), (None, None));
    group.read_up_to(&log, id(5));
    assert_eq!((group.read(), group.lag(&log)), (Some(5), Some(0)));
    // In the middle of a stream that was never counted there is nothing to tell.
    let group = Group::new(id(2), None);
    assert_eq!(group.lag(&log_of(&[1, 2, 3])), None);
    assert_eq!(Group::new(id(3), None).lag(&log_of(&[1, 2, 3])), Some(0));
    assert_eq!(Group::new(StreamId::MAX, None).lag(&Log::default()), Some(0));
}

/// The bytes of a node are Redis's.
#[test]
fn the_layout_is_the_references() {
    let mut log = Log::default();
    let limits = Limits { node_bytes: 4096, node_entries: 100 };
    let append = |log: &mut Log, id, fields: &[(&'static [u8], &'static [u8])]| {
        log.append(id, fields.iter().copied(), limits).expect("in order");
    };
    append(&mut log, StreamId::new(1000, 1), &[(b"n", b"1"), (b"s", b"x")]);
    append(&mut log, StreamId::new(1002, 0), &[(b"n", b"2"), (b"s", b"yy")]);
    append(&mut log, StreamId::new(1003, 9), &[(b"s", b"z")]);
    log.remove(StreamId::new(1002, 0));
    let (id, pack) = log.nodes().next().expect("a node");
    assert_eq!(id, StreamId::new(1000, 1));
    let items: Vec<String> =
        pack.iter().map(|item| String::from_utf8_lossy(&item.to_vec()).into_owned()).collect();
    let expected = "2 1 2 n s 0 2 0 0 1 x 5 3 2 -1 2 yy 5 0 3 8 1 s z 6";
    assert_eq!(items.join(" "), expected);
}

#[test]
fn a_stream_is_one_word() {
    assert_eq!(size_of::<Stream>(), 8);
}

/// A stream from outside may claim to have had any number of entries.
#[test]
fn the_count_of_all_entries_wraps() {
    let id = |seq| StreamId::new(0, seq);
    let counters = Counters { last_id: id(1), max_deleted_id: StreamId::MIN, added: u64::MAX };
    let mut stream = Stream::from_nodes([], counters).expect("an empty stream");
    let fields: [(&[u8], &[u8]); 1] = [(b"f", b"v")];
    stream.log_mut().append(id(2), fields.into_iter(), SMALL_NODES).expect("in order");
    assert_eq!((stream.log().added(), stream.log().len()), (0, 1));
}
