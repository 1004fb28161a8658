//! Lists against a plain model, with small nodes so that every way of splitting and merging comes.

use std::collections::VecDeque;

use proptest::prelude::*;
use proptest::sample::Index;

use super::*;
use crate::value::lzf;

/// Nodes of at most 4 KiB.
const BYTES: Limits = Limits { node_size: -1, compress_depth: 0, plain_from: 0 };

#[derive(Clone, Debug)]
enum Step {
    Push(End, Vec<u8>),
    Set(Index, Vec<u8>),
    Insert(Index, Side, Vec<u8>),
    RemoveRange(Index, usize),
    RemoveEqual(Index, Direction, usize),
}

/// Few different ones, so that equal elements come; some stand alone.
fn element() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        6 => (0u8..4).prop_map(|n| vec![b'a' + n; 3]),
        3 => (0u16..3).prop_map(|n| n.to_string().into_bytes()),
        2 => (0u8..2).prop_map(|n| vec![b'A' + n; 1500]),
        1 => Just(vec![b'z'; 5000]),
        1 => Just(vec![b'y'; 9000]),
    ]
}

fn end() -> impl Strategy<Value = End> {
    prop_oneof![1 => Just(End::Head), 2 => Just(End::Tail)]
}

fn side() -> impl Strategy<Value = Side> {
    prop_oneof![Just(Side::Before), Just(Side::After)]
}

fn direction() -> impl Strategy<Value = Direction> {
    prop_oneof![Just(Direction::Forward), Just(Direction::Backward)]
}

fn step() -> impl Strategy<Value = Step> {
    let at = any::<Index>;
    prop_oneof![
        8 => (end(), element()).prop_map(|(end, element)| Step::Push(end, element)),
        3 => (at(), element()).prop_map(|(at, element)| Step::Set(at, element)),
        6 => (at(), side(), element()).prop_map(|(at, side, element)| Step::Insert(at, side, element)),
        1 => (at(), 0usize..6).prop_map(|(at, count)| Step::RemoveRange(at, count)),
        1 => (at(), direction(), 1usize..5)
            .prop_map(|(at, direction, limit)| Step::RemoveEqual(at, direction, limit)),
    ]
}

fn limits() -> impl Strategy<Value = Limits> {
    let node_size = prop::sample::select(vec![0, 1, 2, 3, 7, -1, -2]);
    let compress_depth = prop_oneof![Just(0), 1u32..4, Just(u32::MAX)];
    // An integer that stands alone would be shown as bytes: all of those here have one digit.
    let plain_from = prop_oneof![6 => Just(0), 1 => 2u32..5, 1 => Just(u32::MAX)];
    (node_size, compress_depth, plain_from).prop_map(|(node_size, compress_depth, plain_from)| {
        Limits { node_size, compress_depth, plain_from }
    })
}

/// Places of the elements equal to this one.
fn places(model: &VecDeque<Vec<u8>>, element: &[u8], direction: Direction) -> Vec<usize> {
    let mut places: Vec<_> = (0..model.len()).filter(|&at| model[at] == element).collect();
    if direction == Direction::Backward {
        places.reverse();
    }
    places
}

fn run(list: &mut List, model: &mut VecDeque<Vec<u8>>, step: Step, limits: Limits) {
    match step {
        Step::Push(end, element) => {
            list.grow_for(1, element.len(), limits);
            list.push(end, &element, limits);
            match end {
                End::Head => model.push_front(element),
                End::Tail => model.push_back(element),
            }
        }
        _ if model.is_empty() => assert!(!list.set(0, b"x", limits)),
        Step::Set(at, element) => {
            let at = at.index(model.len());
            list.grow_for(1, element.len(), limits);
            let index =
                if element.len() % 2 == 0 { at as i64 } else { at as i64 - model.len() as i64 };
            assert!(list.set(index, &element, limits));
            model[at] = element;
            list.shrink(limits);
        }
        Step::Insert(at, side, element) => {
            let at = at.index(model.len());
            list.grow_for(1, element.len(), limits);
            list.insert(at, side, &element, limits);
            model.insert(at + usize::from(side == Side::After), element);
        }
        Step::RemoveRange(at, count) => {
            let at = at.index(model.len());
            list.remove_range(at, count);
            model.drain(at..(at + count).min(model.len()));
            list.shrink(limits);
        }
        Step::RemoveEqual(at, direction, limit) => {
            let element = model[at.index(model.len())].clone();
            let mut gone = places(model, &element, direction);
            gone.truncate(limit);
            assert_eq!(list.remove_equal(&element, direction, limit), gone.len());
            gone.sort_unstable();
            for at in gone.into_iter().rev() {
                model.remove(at);
            }
            list.shrink(limits);
        }
    }
}

fn check(list: &List) {
    if let Repr::Quicklist(list) = &list.0 {
        list.check();
    }
}

fn elements(list: &List) -> Vec<Vec<u8>> {
    elements_from(list, 0, usize::MAX, Direction::Forward)
}

fn elements_from(list: &List, place: usize, count: usize, direction: Direction) -> Vec<Vec<u8>> {
    let mut elements = Vec::new();
    list.visit(place, count, direction, |item| elements.push(item.to_vec()));
    elements
}

fn get(list: &List, index: i64) -> Option<Vec<u8>> {
    list.get(index, |item| item.to_vec())
}

/// How many of a list's nodes are compressed.
fn compressed(list: &List) -> usize {
    match &list.0 {
        Repr::Listpack(_) => 0,
        Repr::Quicklist(list) => list.compressed(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 3 } else { 256 }))]

    #[test]
    fn does_what_a_deque_does(
        limits in limits(),
        steps in prop::collection::vec(step(), 0..if cfg!(miri) { 20 } else { 120 }),
    ) {
        let mut list = List::new();
        let mut model = VecDeque::new();
        for step in steps {
            run(&mut list, &mut model, step, limits);
            prop_assert_eq!(list.len(), model.len());
            prop_assert_eq!(list.is_empty(), model.is_empty());
            check(&list);
        }
        let contents = Vec::from(model.clone());
        prop_assert_eq!(&elements(&list), &contents);
        let copy = list.duplicate();
        check(&copy);
        prop_assert_eq!(&elements(&copy), &contents);
        prop_assert_eq!(compressed(&copy), compressed(&list));
        for at in 0..model.len() {
            prop_assert_eq!(get(&list, at as i64), Some(model[at].clone()));
            let from_end = get(&list, at as i64 - model.len() as i64);
            prop_assert_eq!(from_end, Some(model[at].clone()));
            list.get(at as i64, |item| assert_eq!(item, Item::of(&model[at])));
            if at % 5 == 0 {
                let count = if at % 2 == 0 { usize::MAX } else { at };
                let forward = elements_from(&list, at, count, Direction::Forward);
                prop_assert_eq!(&forward, &contents[at..at.saturating_add(count).min(model.len())]);
                let mut back = elements_from(&list, at, count, Direction::Backward);
                back.reverse();
                prop_assert_eq!(&back, &contents[(at + 1).saturating_sub(count)..=at]);
            }
        }
        prop_assert_eq!(get(&list, model.len() as i64), None);
        prop_assert_eq!(get(&list, -1 - model.len() as i64), None);
        prop_assert_eq!(get(&list, i64::MIN), None);
        prop_assert!(elements_from(&list, model.len(), 1, Direction::Forward).is_empty());
    }

    #[test]
    fn finds_what_a_search_finds(
        limits in limits(),
        contents in prop::collection::vec(element(), 1..30),
        needle in any::<Index>(),
        direction in direction(),
        limit in 0usize..35,
    ) {
        let mut list = List::new();
        for element in &contents {
            list.grow_for(1, element.len(), limits);
            list.push(End::Tail, element, limits);
        }
        let needle = needle.get(&contents);
        let model = VecDeque::from(contents.clone());
        let mut expected = places(&model, needle, direction);
        prop_assert_eq!(list.find(needle), places(&model, needle, Direction::Forward).first().copied());
        expected.retain(|&place| match direction {
            Direction::Forward => place < limit,
            Direction::Backward => contents.len() - place <= limit,
        });
        let mut found = Vec::new();
        list.for_each_equal(needle, direction, limit, |place| {
            found.push(place);
            ControlFlow::Continue(())
        });
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn what_is_saved_is_loaded(
        limits in limits(),
        loaded_with in limits(),
        contents in prop::collection::vec(element(), 1..30),
    ) {
        let mut list = List::new();
        for element in &contents {
            list.grow_for(1, element.len(), limits);
            list.push(End::Tail, element, limits);
        }
        let mut loaded = List::new();
        for node in list.nodes() {
            let bytes = match node.bytes {
                NodeBytes::Raw(bytes) => bytes.to_vec(),
                NodeBytes::Lzf { text, len } => lzf::decompress(text, len).expect("our own"),
            };
            if node.is_plain {
                loaded.append_plain(&bytes, loaded_with);
            } else {
                let elements = Listpack::from_bytes(&bytes).expect("our own");
                loaded.append_listpack(elements, loaded_with);
            }
        }
        loaded.settle(loaded_with);
        check(&loaded);
        prop_assert_eq!(elements(&loaded), contents);
    }
}

#[test]
fn compression_costs_no_memory_where_there_is_none() {
    assert_eq!(size_of::<List>(), 16);
    assert_eq!(size_of::<Node>(), 16);
    assert_eq!(size_of::<Quicklist>(), 56);
}

/// `element:0000000000` and so on.
fn numbered(count: usize, limits: Limits) -> List {
    let mut list = List::new();
    for n in 0..count {
        let element = format!("element:{n:010}");
        list.grow_for(1, element.len(), limits);
        list.push(End::Tail, element.as_bytes(), limits);
    }
    list
}

#[test]
fn encodings_change_where_redis_changes_them() {
    let mut list = List::new();
    // 7 bytes of frame, 12 for each element and the length of the next.
    let mut pushed = 0;
    while list.encoding() == "listpack" {
        list.grow_for(1, 10, BYTES);
        list.push(End::Tail, b"0123456789", BYTES);
        pushed += 1;
    }
    assert_eq!((pushed, list.free_effort()), (341, 2));
    // The first node goes, and what is left is small enough.
    list.remove_range(0, 340);
    assert_eq!(list.encoding(), "quicklist");
    list.shrink(BYTES);
    assert_eq!(list.encoding(), "listpack");
    // By number: half of three is one.
    let three = Limits { node_size: 3, compress_depth: 0, plain_from: 0 };
    for _ in 0..3 {
        list.grow_for(1, 1, three);
        list.push(End::Head, b"x", three);
    }
    assert_eq!((list.encoding(), list.len()), ("quicklist", 4));
    list.remove_range(1, 2);
    list.shrink(three);
    assert_eq!((list.encoding(), list.len()), ("quicklist", 2));
    list.remove_range(0, 1);
    list.shrink(three);
    assert_eq!((list.encoding(), list.len()), ("listpack", 1));
    // An element above the limit stands alone, and does not come back.
    list.grow_for(1, 4097, BYTES);
    list.push(End::Tail, &[b'x'; 4097], BYTES);
    list.remove_range(0, 1);
    list.shrink(BYTES);
    assert_eq!(list.encoding(), "quicklist");
    assert!(list.set(0, b"small", BYTES));
    list.shrink(BYTES);
    assert_eq!(list.encoding(), "listpack");
}

#[test]
#[cfg_attr(miri, ignore = "many elements, and no other code than the short tests")]
fn a_big_list_is_small() {
    let limits = Limits { node_size: -2, compress_depth: 0, plain_from: 0 };
    let count = 200_000;
    let mut list = numbered(count, limits);
    let per_element = list.bytes() as f64 / count as f64;
    assert!(per_element < 20.3, "{per_element} bytes per element of 18");
    check(&list);
    assert_eq!(get(&list, 123_456).as_deref(), Some(&b"element:0000123456"[..]));
    // Nodes come and go in the middle of blocks.
    for place in (0..count - 1_000).step_by(997) {
        list.insert(place, Side::Before, &[b'x'; 9_000], limits);
    }
    check(&list);
    list.remove_range(1_000, 150_000);
    check(&list);
    let left = elements(&list).iter().filter(|element| ***element == [b'x'; 9_000]).count();
    assert!(left > 20, "some were behind what was removed");
    assert_eq!(list.remove_equal(&[b'x'; 9_000], Direction::Backward, usize::MAX), left);
    check(&list);
    list.remove_range(0, usize::MAX);
    assert!(list.is_empty());
    check(&list);
}

#[test]
fn limits_have_their_bounds() {
    for (node_size, bytes) in
        [(-1, 4096), (-2, 8192), (-3, 16_384), (-4, 32_768), (-5, 65_536), (i32::MIN, 65_536)]
    {
        let limits = Limits { node_size, compress_depth: 0, plain_from: 0 };
        assert!(!limits.exceeded_by(bytes, usize::MAX) && limits.exceeded_by(bytes + 1, 1));
        assert!(!limits.stands_alone(bytes) && limits.stands_alone(bytes + 1));
    }
    for (node_size, count) in [(0, 1), (1, 1), (9, 9), (i32::MAX, i32::MAX as usize)] {
        let limits = Limits { node_size, compress_depth: 0, plain_from: 0 };
        assert!(!limits.exceeded_by(SAFE_NODE, count) && limits.exceeded_by(SAFE_NODE, count + 1));
        assert!(limits.exceeded_by(SAFE_NODE + 1, 1) && limits.stands_alone(SAFE_NODE + 1));
    }
}

#[test]
#[cfg_attr(miri, ignore = "many elements, and no other code than the property tests")]
fn inner_nodes_are_compressed() {
    let plain = numbered(20_000, BYTES);
    let nodes = plain.free_effort();
    assert_eq!((nodes, compressed(&plain)), (99, 0));
    for (depth, expected) in [(1, 97), (2, 95), (49, 1), (50, 0), (u32::MAX, 0)] {
        let list = numbered(20_000, Limits { compress_depth: depth, ..BYTES });
        check(&list);
        assert_eq!((list.free_effort(), compressed(&list)), (nodes, expected), "depth {depth}");
        assert_eq!(elements(&list), elements(&plain));
    }
    let list = numbered(20_000, Limits { compress_depth: 1, ..BYTES });
    assert!(list.bytes() * 3 < plain.bytes(), "{} of {}", list.bytes(), plain.bytes());
}

#[test]
fn what_is_not_worth_it_is_not_compressed() {
    let limits = Limits { node_size: 1, compress_depth: 1, plain_from: 0 };
    let mut list = List::new();
    let mut rng = fastrand::Rng::with_seed(1);
    let noise: Vec<u8> = std::iter::repeat_with(|| rng.u8(..)).take(2_000).collect();
    // Nodes of 47 and 48 bytes: 7 of them the frame, and 2 for the entry.
    let elements = [&b"first"[..], &[b'x'; 38], &[b'x'; 39], &noise, &[b'x'; 9_000], b"last"];
    for element in elements {
        list.grow_for(1, element.len(), limits);
        list.push(End::Tail, element, limits);
    }
    check(&list);
    let is_compressed: Vec<bool> =
        list.nodes().map(|node| matches!(node.bytes, NodeBytes::Lzf { .. })).collect();
    assert_eq!(is_compressed, [false, false, true, false, true, false]);
    for (at, element) in elements.into_iter().enumerate() {
        assert_eq!(get(&list, at as i64).as_deref(), Some(element));
    }
}

#[test]
#[cfg_attr(miri, ignore = "many elements, and no other code than the property tests")]
fn a_list_keeps_its_depth() {
    let one = Limits { compress_depth: 1, ..BYTES };
    let mut list = numbered(1_000, one);
    assert_eq!((list.free_effort(), compressed(&list)), (5, 3));
    // Whatever the configuration says later.
    for n in 0..300 {
        list.push(End::Head, format!("new:{n:030}").as_bytes(), BYTES);
    }
    check(&list);
    assert_eq!((list.free_effort(), compressed(&list)), (8, 6));
    // A listpack has none: it takes what holds when it grows again.
    list.remove_range(5, usize::MAX);
    list.shrink(BYTES);
    assert_eq!(list.encoding(), "listpack");
    for _ in 0..400 {
        list.grow_for(1, 30, BYTES);
        list.push(End::Tail, &[b'z'; 30], BYTES);
    }
    assert_eq!((list.encoding(), compressed(&list)), ("quicklist", 0));
}

#[test]
fn a_list_keeps_the_size_of_its_nodes() {
    let two = Limits { node_size: 2, ..BYTES };
    let mut list = List::new();
    for _ in 0..5 {
        list.grow_for(1, 1, two);
        list.push(End::Tail, b"x", two);
    }
    // Whatever the configuration says later.
    for _ in 0..3 {
        list.push(End::Tail, b"x", BYTES);
    }
    list.insert(1, Side::Before, b"y", BYTES);
    check(&list);
    let nodes = list.nodes().count();
    assert_eq!(list.layout(), Some(Layout { nodes, node_size: 2, compress_depth: 0 }));
    assert!((5..=6).contains(&nodes), "{nodes} nodes of up to two elements");
    assert_eq!(list.duplicate().layout(), list.layout());
    // Whether it may be a listpack again follows from what holds now.
    list.remove_range(2, usize::MAX);
    list.shrink(BYTES);
    assert_eq!((list.encoding(), list.layout()), ("listpack", None));
}

#[test]
fn the_size_of_nodes_has_bounds() {
    for (asked, kept) in [(i32::MIN, -5), (-6, -5), (0, 0), (7, 7), (i32::MAX, i16::MAX)] {
        let mut list = List::new();
        let limits = Limits { node_size: asked, ..BYTES };
        list.append_plain(b"x", limits);
        assert_eq!(list.layout().map(|layout| layout.node_size), Some(kept));
    }
}

#[test]
fn elements_stand_alone_from_a_given_size_on() {
    let three = Limits { plain_from: 3, ..BYTES };
    let mut list = List::new();
    list.append_plain(b"first", three);
    for element in [&b"ab"[..], b"cd", b"efg", b"hi"] {
        list.push(End::Tail, element, three);
    }
    let plain = |list: &List| list.nodes().map(|node| node.is_plain).collect::<Vec<_>>();
    assert_eq!(plain(&list), [true, false, true, false]);
    list.insert(1, Side::After, b"jkl", three);
    list.set(0, b"m", three);
    check(&list);
    assert_eq!(elements(&list), [&b"m"[..], b"ab", b"jkl", b"cd", b"efg", b"hi"]);
    assert_eq!(plain(&list), [false, true, false, true, false]);
}
