//! DEBUG DIGEST and DIGEST-VALUE: digests that are the same for the same data on every server.
//!
//! They are built of SHA-1 as in Redis and Valkey, so that a dataset of theirs and one of ours can
//! be compared. A digest takes parts in two ways: those that have an order are appended, those
//! that have none (keys of a database, members of a set) are mixed in. What has expired and not
//! been removed counts, but for fields of hashes; that fields expire does not.

use std::fmt;

use sha1::{Digest as _, Sha1};

use crate::command::{Args, Read};
use crate::keyspace::{EntryRef, ObjectRef};
use crate::resp::{Writer, format_double_digits};
use crate::value::hash::Hash;
use crate::value::stream::{Stream, StreamId};
use crate::value::zset::Zset;

/// Bytes of a SHA-1 hash.
const BYTES: usize = 20;

/// The digest of some data, at first of none.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Digest([u8; BYTES]);

impl Digest {
    /// Takes in a part that has no order among others.
    fn mix(&mut self, part: &[u8]) {
        let hash: [u8; BYTES] = Sha1::digest(part).into();
        for (byte, other) in self.0.iter_mut().zip(hash) {
            *byte ^= other;
        }
    }

    /// Takes in a part that stands behind all before it.
    fn append(&mut self, part: &[u8]) {
        self.mix(part);
        self.0 = Sha1::digest(self.0).into();
    }

    /// The digest of two parts that belong together.
    fn pair(first: &[u8], second: &[u8]) -> Digest {
        let mut digest = Digest::default();
        digest.append(first);
        digest.append(second);
        digest
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// DEBUG DIGEST: of all databases.
pub(super) fn of_all(cx: &Read<'_>, out: &mut Writer<'_>) {
    let mut digest = Digest::default();
    for db in 0..cx.config().databases as u16 {
        let parts = || cx.parts().iter().map(|part| &part.dbs[usize::from(db)]);
        if parts().all(|part| part.is_empty()) {
            continue;
        }
        digest.append(&u32::from(db).to_be_bytes());
        for part in parts() {
            part.for_each(|entry| {
                let mut own = Digest::default();
                own.append(entry.key());
                append_value(&mut own, entry, cx.now_ms());
                digest.mix(&own.0);
            });
        }
    }
    out.simple(&digest.to_string());
}

/// DEBUG DIGEST-VALUE key [key …]: zeros for a key that is not there.
pub(super) fn of_values(cx: &Read<'_>, args: Args<'_>, out: &mut Writer<'_>) {
    out.array(args.len() - 2);
    for at in 2..args.len() {
        let mut digest = Digest::default();
        if let Some(entry) = cx.stored(&args.key(at)) {
            append_value(&mut digest, entry, cx.now_ms());
        }
        out.simple(&digest.to_string());
    }
}

/// Appends the value of an entry, and that it expires if it does.
fn append_value(digest: &mut Digest, entry: EntryRef<'_>, now_ms: i64) {
    let mut digits = itoa::Buffer::new();
    digest.append(&type_number(entry).to_be_bytes());
    match entry.object() {
        None => {
            if let Some(string) = entry.string() {
                digest.append(string.as_bytes(&mut digits));
            }
        }
        Some(ObjectRef::List(list)) => {
            list.for_each(|item| digest.append(item.as_bytes(&mut digits)));
        }
        Some(ObjectRef::Set(set)) => {
            set.iter().for_each(|member| digest.mix(member.as_bytes(&mut digits)));
        }
        Some(ObjectRef::Zset(set)) => mix_scores(digest, set),
        Some(ObjectRef::Hash(hash)) => mix_fields(digest, hash, now_ms),
        Some(ObjectRef::Stream(stream)) => append_entries(digest, stream),
    }
    if entry.expiry().is_some() {
        digest.mix(b"!!expire!!");
    }
}

/// The numbers that the types have in Redis's objects.
fn type_number(entry: EntryRef<'_>) -> u32 {
    match entry.object() {
        None => 0,
        Some(ObjectRef::List(_)) => 1,
        Some(ObjectRef::Set(_)) => 2,
        Some(ObjectRef::Zset(_)) => 3,
        Some(ObjectRef::Hash(_)) => 4,
        Some(ObjectRef::Stream(_)) => 6,
    }
}

fn mix_scores(digest: &mut Digest, set: &Zset) {
    let mut text = Vec::new();
    for (member, score) in set.iter() {
        text.clear();
        format_double_digits(score, &mut text);
        let pair = Digest::pair(member.as_bytes(&mut itoa::Buffer::new()), &text);
        digest.mix(&pair.0);
    }
}

fn mix_fields(digest: &mut Digest, hash: &Hash, now_ms: i64) {
    for entry in hash.iter(now_ms) {
        let (mut field, mut value) = (itoa::Buffer::new(), itoa::Buffer::new());
        let pair = Digest::pair(entry.field.as_bytes(&mut field), entry.value.as_bytes(&mut value));
        digest.mix(&pair.0);
    }
}

fn append_entries(digest: &mut Digest, stream: &Stream) {
    let mut digits = itoa::Buffer::new();
    for entry in stream.log().range(StreamId::MIN, StreamId::MAX) {
        digest.append(format!("{}.{}", entry.id.ms, entry.id.seq).as_bytes());
        for (name, value) in entry.fields {
            digest.append(name.as_bytes(&mut digits));
            digest.append(value.as_bytes(&mut digits));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::command::testing::Boxes;
    use crate::config::{Access, Config};

    /// Digests that Valkey 9.1 gave for the same values.
    #[test]
    fn digests_are_those_of_valkey() {
        const NONE: &str = "0000000000000000000000000000000000000000";
        let enable_debug_command = Access::Yes;
        let mut boxes =
            Boxes::with(Config { shards: 3, enable_debug_command, ..Config::default() });
        for (make, digest) in [
            ("EXISTS k", NONE),
            ("SET k hello", "36b23a1456b2dce2c3ed252c456761301dba8060"),
            ("SET k hello EX 1000", "d037c4eb8a8b36b602fbced4000daeab0714c1e3"),
            ("RPUSH k a 1 b", "d5f44352f6226abea9252dad248ef5de0d964396"),
            ("SADD k a b 3", "aa475a4a8f122ca5936aa41d911aacf8c93b827d"),
            (
                "ZADD k 1 a 1.5 2 1e10 c 123456789012345 d inf e -inf f",
                "cae8412a3b3edd484efd2f84cdf3d089178811d2",
            ),
            ("HSET k a 1 b 2", "6c8f22b3bf510fdcfd6122dd0f908a80e88243bf"),
            ("XADD k 1-1 f v g w", "02a6cc6f9620c93c4a87ca6697dad2078434368e"),
        ] {
            boxes.say("DEL k");
            boxes.say(make);
            let reply = boxes.say("DEBUG DIGEST-VALUE k none");
            assert_eq!(reply, format!("*2 +{digest} +{NONE}"), "{make}");
        }
        boxes.say("DEL k");
        assert_eq!(boxes.say("DEBUG DIGEST"), format!("+{NONE}"));
        boxes.say("SET k v");
        assert_eq!(boxes.say("DEBUG DIGEST"), "+264ccf65edec66bccfa7cc659414ccca432057d2");
    }
}
