//! The types of value, by the numbers that RDB files have for them.

/// A string.
pub const STRING: u8 = 0;
/// A list of strings.
pub const LIST: u8 = 1;
/// A set of strings.
pub const SET: u8 = 2;
/// A sorted set with scores as text.
pub const ZSET: u8 = 3;
/// A hash.
pub const HASH: u8 = 4;
/// A sorted set with binary scores.
pub const ZSET_2: u8 = 5;
/// A hash as a zipmap.
pub const HASH_ZIPMAP: u8 = 9;
/// A list as a ziplist.
pub const LIST_ZIPLIST: u8 = 10;
/// A set as an intset.
pub const SET_INTSET: u8 = 11;
/// A sorted set as a ziplist.
pub const ZSET_ZIPLIST: u8 = 12;
/// A hash as a ziplist.
pub const HASH_ZIPLIST: u8 = 13;
/// A list as ziplists.
pub const LIST_QUICKLIST: u8 = 14;
/// A stream.
pub const STREAM: u8 = 15;
/// A hash as a listpack.
pub const HASH_LISTPACK: u8 = 16;
/// A sorted set as a listpack.
pub const ZSET_LISTPACK: u8 = 17;
/// A list as listpacks and large elements.
pub const LIST_QUICKLIST_2: u8 = 18;
/// A stream with its first id, its greatest removed id and how many entries were added.
pub const STREAM_2: u8 = 19;
/// A set as a listpack.
pub const SET_LISTPACK: u8 = 20;
/// A stream whose consumers have an active time.
pub const STREAM_3: u8 = 21;
/// A hash with a time to expire for each field: Valkey's, from version 80 on.
pub const HASH_2: u8 = 22;
/// A hash with a time to expire for each field: Redis's, as pairs.
pub const HASH_METADATA: u8 = 24;
/// A hash with a time to expire for each field: Redis's, as a listpack of triples.
pub const HASH_LISTPACK_EX: u8 = 25;
