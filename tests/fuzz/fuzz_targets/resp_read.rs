//! The reply reader: any bytes are skipped within their bounds, and what it takes for one value it
//! takes for the same value with more behind it.
#![no_main]
use baton::resp::{array_header, skip_value};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|wire: &[u8]| {
    if let Some((_, header)) = array_header(wire) {
        assert!(header <= wire.len());
    }
    if let Some(len) = skip_value(wire) {
        assert!(len <= wire.len());
        assert_eq!(skip_value(&wire[..len]), Some(len));
        assert_eq!(skip_value(&wire[..len - 1]), None);
        assert_eq!(skip_value(&[&wire[..len], b"+OK\r\n"].concat()), Some(len));
    }
});
