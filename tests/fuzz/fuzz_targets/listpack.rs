//! Listpack decoding: any bytes are refused, or make a listpack that can be walked both ways, whose
//! own bytes are taken again, and which survives being changed everywhere.
//!
//! The input is the entries alone, since a right length and end would rarely be guessed; the first
//! byte says whether they are there and what the count says.
#![no_main]
use baton::value::listpack::Listpack;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let [form, entries @ ..] = input else { return };
    let mut bytes = Vec::with_capacity(input.len() + 7);
    if form & 1 == 0 {
        let count = if form & 2 == 0 { u16::MAX } else { u16::from(form >> 2) };
        bytes.extend((entries.len() as u32 + 7).to_le_bytes());
        bytes.extend(count.to_le_bytes());
        bytes.extend(entries);
        bytes.push(0xFF);
    } else {
        bytes.extend(entries);
    }
    let Ok(mut listpack) = Listpack::from_bytes(&bytes) else { return };
    let elements: Vec<_> = listpack.iter().map(|item| item.to_vec()).collect();
    assert_eq!(elements.len(), listpack.len());
    let mut backwards: Vec<_> = listpack.iter().rev().map(|item| item.to_vec()).collect();
    backwards.reverse();
    assert_eq!(elements, backwards);
    let again = Listpack::from_bytes(listpack.as_bytes()).expect("our own bytes");
    assert!(again == listpack);
    for (index, element) in elements.iter().enumerate().take(64) {
        let position = listpack.seek(index as i64).expect("as many as were walked");
        let found = listpack.find(None, element, 0).expect("it is there");
        assert!(found <= position);
        listpack.replace(position, element);
    }
    assert!(again == listpack);
    while let Some(last) = listpack.last() {
        let first = listpack.first().expect("there is a last");
        listpack.remove(last);
        if listpack.first().is_some() {
            listpack.remove(first);
        }
    }
    // Its count may still say unknown.
    assert_eq!((listpack.len(), listpack.byte_len()), (0, Listpack::new().byte_len()));
});
