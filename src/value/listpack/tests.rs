//! Listpacks against a plain model, against recorded bytes, and against bytes that are none.

use std::collections::VecDeque;

use proptest::prelude::*;

use super::*;

const CASES: u32 = if cfg!(miri) { 3 } else { 256 };

fn cases() -> ProptestConfig {
    ProptestConfig::with_cases(CASES)
}

fn listpack<T: AsRef<[u8]>>(elements: &[T]) -> Listpack {
    let mut listpack = Listpack::new();
    for element in elements {
        listpack.push_back(element.as_ref());
    }
    listpack
}

fn elements(listpack: &Listpack) -> Vec<Vec<u8>> {
    listpack.iter().map(|item| item.to_vec()).collect()
}

/// Elements of all encodings: integers of every width, near-integers, strings around the limits of
/// the lengths.
fn element() -> impl Strategy<Value = Vec<u8>> {
    let lengths: &[usize] =
        if cfg!(miri) { &[0, 63, 64, 126] } else { &[0, 63, 64, 126, 4095, 4096, 16_378, 16_379] };
    prop_oneof![
        4 => prop::collection::vec(any::<u8>(), 0..12),
        4 => (any::<i64>(), 0u32..64).prop_map(|(n, shift)| (n >> shift).to_string().into_bytes()),
        2 => "[-+0-9]{1,4}".prop_map(String::into_bytes),
        1 => (prop::sample::select(lengths), any::<u8>()).prop_map(|(len, byte)| vec![byte; len]),
    ]
}

#[derive(Clone, Debug)]
enum Step {
    PushBack(Vec<u8>),
    PushFront(Vec<u8>),
    InsertBefore(i64, Vec<u8>),
    InsertAfter(i64, Vec<u8>),
    Replace(i64, Vec<u8>),
    Remove(i64),
    RemoveRange(i64, usize),
    SplitAndSwap(i64),
    SplitAndJoin(i64),
}

fn step() -> impl Strategy<Value = Step> {
    let index = || -12i64..12;
    prop_oneof![
        4 => element().prop_map(Step::PushBack),
        3 => element().prop_map(Step::PushFront),
        2 => (index(), element()).prop_map(|(at, element)| Step::InsertBefore(at, element)),
        2 => (index(), element()).prop_map(|(at, element)| Step::InsertAfter(at, element)),
        2 => (index(), element()).prop_map(|(at, element)| Step::Replace(at, element)),
        2 => index().prop_map(Step::Remove),
        1 => (index(), 0usize..5).prop_map(|(at, count)| Step::RemoveRange(at, count)),
        1 => index().prop_map(Step::SplitAndSwap),
        1 => index().prop_map(Step::SplitAndJoin),
    ]
}

/// The model's place of an index that may be negative.
fn place(model: &VecDeque<Vec<u8>>, index: i64) -> Option<usize> {
    let len = model.len() as i64;
    let at = if index < 0 { len + index } else { index };
    (0..len).contains(&at).then_some(at as usize)
}

fn run(listpack: &mut Listpack, model: &mut VecDeque<Vec<u8>>, step: Step) {
    match step {
        Step::PushBack(element) => {
            listpack.push_back(&element);
            model.push_back(element);
        }
        Step::PushFront(element) => {
            listpack.push_front(&element);
            model.push_front(element);
        }
        Step::InsertBefore(at, element) => {
            let (position, place) = (listpack.seek(at), place(model, at));
            assert_eq!(position.is_some(), place.is_some());
            if let (Some(position), Some(place)) = (position, place) {
                let new = listpack.insert_before(position, &element);
                assert_eq!(listpack.get(new), Item::of(&element));
                model.insert(place, element);
            }
        }
        Step::InsertAfter(at, element) => {
            if let (Some(position), Some(place)) = (listpack.seek(at), place(model, at)) {
                let new = listpack.insert_after(position, &element);
                assert_eq!(listpack.get(new), Item::of(&element));
                model.insert(place + 1, element);
            }
        }
        Step::Replace(at, element) => {
            if let (Some(position), Some(place)) = (listpack.seek(at), place(model, at)) {
                let new = listpack.replace(position, &element);
                assert_eq!(listpack.get(new), Item::of(&element));
                model[place] = element;
            }
        }
        Step::Remove(at) => {
            if let (Some(position), Some(place)) = (listpack.seek(at), place(model, at)) {
                let next = listpack.remove(position).map(|next| listpack.get(next).to_vec());
                model.remove(place);
                assert_eq!(next.as_ref(), model.get(place));
            }
        }
        Step::RemoveRange(at, count) => {
            let removed = listpack.remove_range(at, count);
            let start = place(model, at).unwrap_or(model.len());
            let end = (start + count).min(model.len());
            assert_eq!(removed, end - start);
            model.drain(start..end);
        }
        Step::SplitAndSwap(at) => {
            if let (Some(position), Some(place)) = (listpack.seek(at), place(model, at)) {
                let mut tail = listpack.split_off(position);
                tail.append(listpack);
                *listpack = tail;
                model.rotate_left(place);
            }
        }
        Step::SplitAndJoin(at) => {
            if let Some(position) = listpack.seek(at) {
                let tail = listpack.split_off(position);
                listpack.append(&tail);
            }
        }
    }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn does_what_a_deque_does(steps in prop::collection::vec(step(), 0..if cfg!(miri) { 30 } else { 60 })) {
        let mut listpack = Listpack::new();
        let mut model = VecDeque::new();
        for step in steps {
            run(&mut listpack, &mut model, step);
            prop_assert_eq!(listpack.len(), model.len());
            prop_assert_eq!(listpack.is_empty(), model.is_empty());
        }
        let contents = elements(&listpack);
        prop_assert_eq!(&contents, &Vec::from(model.clone()));
        let mut backwards: Vec<_> = listpack.iter().rev().map(|item| item.to_vec()).collect();
        backwards.reverse();
        prop_assert_eq!(&contents, &backwards);
        prop_assert_eq!(listpack.bytes(), size_class(listpack.byte_len()));
        // What came about by any way is what appending gives, and is taken back.
        let (bytes, appended) = (listpack.as_bytes(), crate::value::listpack::tests::listpack(&contents));
        prop_assert_eq!(bytes, appended.as_bytes());
        let read = Listpack::from_bytes(bytes).map(|read| read.as_bytes().to_vec());
        prop_assert_eq!(read.as_deref(), Ok(bytes));
        for index in -2..model.len() as i64 + 2 {
            let found = listpack.seek(index).map(|position| listpack.get(position).to_vec());
            prop_assert_eq!(found.as_ref(), place(&model, index).map(|place| &model[place]));
        }
    }

    #[test]
    fn finds_what_a_search_finds(
        contents in prop::collection::vec(element(), 1..20),
        needle in any::<prop::sample::Index>(),
        skip in 0usize..3,
        from in 0usize..4,
    ) {
        let listpack = listpack(&contents);
        let needle = needle.get(&contents);
        let expected = (from..contents.len()).step_by(skip + 1).find(|&at| contents[at] == *needle);
        let start = listpack.seek(from as i64);
        let found = if from == 0 || start.is_some() {
            listpack.find(start.filter(|_| from > 0), needle, skip)
        } else {
            None
        };
        prop_assert_eq!(found, expected.and_then(|at| listpack.seek(at as i64)));
        prop_assert_eq!(listpack.find(None, b"is not there", skip), None);
    }

    /// Whatever is done to the bytes, they are refused or make a listpack whose elements can be
    /// walked and whose bytes are taken again.
    #[test]
    fn damaged_bytes_do_no_harm(
        contents in prop::collection::vec(element(), 0..8),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in prop::option::of(any::<prop::sample::Index>()),
        mend in any::<bool>(),
    ) {
        let mut bytes = listpack(&contents).as_bytes().to_vec();
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        if mend && bytes.len() > HEADER {
            // With a length that is right, what lies behind is looked at.
            let length = bytes.len() as u32;
            bytes[..LENGTH].copy_from_slice(&length.to_le_bytes());
            if let Some(last) = bytes.last_mut() {
                *last = encoding::END;
            }
        }
        if let Ok(taken) = Listpack::from_bytes(&bytes) {
            let walked = elements(&taken);
            prop_assert_eq!(taken.iter().rev().count(), walked.len());
            let rebuilt = listpack(&walked);
            prop_assert_eq!(rebuilt.as_bytes()[HEADER..].to_vec(), taken.as_bytes()[HEADER..].to_vec());
            prop_assert!(Listpack::from_bytes(taken.as_bytes()).is_ok());
        }
    }

    #[test]
    fn any_bytes_do_no_harm(body in prop::collection::vec(any::<u8>(), 0..40)) {
        let _ = Listpack::from_bytes(&body);
        let mut bytes = (body.len() as u32 + 7).to_le_bytes().to_vec();
        bytes.extend([0xFF, 0xFF]);
        bytes.extend(body);
        bytes.push(encoding::END);
        if let Ok(taken) = Listpack::from_bytes(&bytes) {
            prop_assert_eq!(taken.iter().count(), taken.len());
        }
    }
}

#[test]
fn one_word() {
    assert_eq!(size_of::<Option<Listpack>>(), 8);
}

/// Written out by hand from the layout.
#[test]
fn bytes_are_those_of_the_format() {
    assert_eq!(Listpack::new().as_bytes(), [7, 0, 0, 0, 0, 0, 0xFF]);
    let mixed = listpack(&[&b"a"[..], b"5", b"-1", b"1000000", b"", b"007"]);
    #[rustfmt::skip]
    assert_eq!(mixed.as_bytes(), [
        27, 0, 0, 0, 6, 0,
        0x81, b'a', 2,
        5, 1,
        0xDF, 0xFF, 2,
        0xF2, 0x40, 0x42, 0x0F, 4,
        0x80, 1,
        0x83, b'0', b'0', b'7', 4,
        0xFF,
    ]);
    let long = listpack(&[[b'z'; 300]]);
    assert_eq!(long.as_bytes()[HEADER..HEADER + 2], [0xE1, 0x2C]);
    assert_eq!(long.as_bytes()[HEADER + 302..], [2, 0xAE, 0xFF]);
}

#[test]
fn what_is_no_listpack_is_refused() {
    let good = listpack(&[&b"a"[..], b"5"]).as_bytes().to_vec();
    let broken = |change: fn(&mut Vec<u8>)| {
        let mut bytes = good.clone();
        change(&mut bytes);
        Listpack::from_bytes(&bytes).err()
    };
    assert_eq!(Listpack::from_bytes(&[]).err(), Some(Malformed::Size));
    assert_eq!(Listpack::from_bytes(&[6, 0, 0, 0, 0, 0]).err(), Some(Malformed::Size));
    assert_eq!(broken(|bytes| bytes[0] += 1), Some(Malformed::Length));
    assert_eq!(broken(|bytes| bytes.push(0xFF)), Some(Malformed::Length));
    assert_eq!(broken(|bytes| bytes[4] = 1), Some(Malformed::Count));
    assert_eq!(broken(|bytes| bytes[4] = 3), Some(Malformed::Count));
    assert_eq!(broken(|bytes| bytes[6] = 0x82), Some(Malformed::Entry(6)));
    assert_eq!(broken(|bytes| bytes[6] = 0xFF), Some(Malformed::Entry(6)));
    assert_eq!(broken(|bytes| bytes[6] = 0xF5), Some(Malformed::Entry(6)));
    assert_eq!(broken(|bytes| bytes[8] = 3), Some(Malformed::Entry(6)));
    assert_eq!(broken(|bytes| bytes[9] = 0xBF), Some(Malformed::Entry(9)));
    assert_eq!(broken(|bytes| bytes[10] = 0x81), Some(Malformed::Entry(9)));
    assert_eq!(broken(|bytes| bytes[11] = 0xFE), Some(Malformed::Entry(11)));
}

#[test]
fn an_unknown_count_is_taken() {
    let mut bytes = listpack(&[&b"a"[..], b"5"]).as_bytes().to_vec();
    bytes[4..6].copy_from_slice(&[0xFF, 0xFF]);
    let mut taken = Listpack::from_bytes(&bytes).expect("a count may be unknown");
    assert_eq!(taken.len(), 2);
    assert_eq!(taken.seek(-2), taken.first());
    assert_eq!(taken.seek(2), None);
    assert_eq!(taken.seek(i64::MIN), None);
    assert_eq!(taken.remove_range(0, 5), 2);
    assert_eq!(taken.as_bytes(), Listpack::new().as_bytes());
}

#[test]
fn other_encodings_are_brought_into_ours() {
    let bytes = [18, 0, 0, 0, 3, 0, 0xF1, 5, 0, 3, 0x81, b'5', 2, 0xE0, 1, b'a', 3, 0xFF];
    let taken = Listpack::from_bytes(&bytes).expect("legal, if not the shortest");
    assert_eq!(taken.as_bytes(), listpack(&["5", "5", "a"]).as_bytes());
    // The length behind an element of 16,378 bytes in Redis's form.
    let ours = listpack(&[vec![b'x'; 16_378], b"y".to_vec()]).as_bytes().to_vec();
    let at = ours.len() - 6;
    assert_eq!(ours[at..], [0x7F, 0xFF, 0x81, b'y', 2, 0xFF]);
    let mut redis = ours.clone();
    redis.splice(at..at + 1, [0, 0xFF]);
    redis[0] += 1;
    let taken = Listpack::from_bytes(&redis).expect("Redis's form");
    assert_eq!(taken.as_bytes(), ours);
}

#[test]
#[cfg_attr(miri, ignore = "walks for long, and no other code than the short tests")]
fn more_elements_than_the_count_can_say() {
    let mut many = Listpack::new();
    for n in 0..70_000 {
        many.push_back_int(n);
    }
    assert_eq!(many.len(), 70_000);
    assert_eq!(many.stated_count(), UNKNOWN_COUNT);
    assert_eq!(many.seek(69_999), many.last());
    assert_eq!(many.seek(-70_000), many.first());
    assert_eq!(many.seek(70_000), None);
    let read = Listpack::from_bytes(many.as_bytes()).expect("our own bytes");
    assert_eq!(read.len(), 70_000);
    let middle = many.seek(60_000).expect("there are more");
    let tail = many.split_off(middle);
    assert_eq!((many.len(), tail.len()), (60_000, 10_000));
    assert_eq!(tail.stated_count(), 10_000);
    assert_eq!(many.remove_range(1, 70_000), 59_999);
    assert_eq!(many.len(), 1);
}

#[test]
fn a_listpack_has_its_bound() {
    let listpack = Listpack::new();
    assert!(listpack.fits(MAX_BYTES - HEADER - 1));
    assert!(!listpack.fits(MAX_BYTES - HEADER));
    assert!(!listpack.fits(usize::MAX));
}
