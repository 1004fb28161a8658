//! The arguments of geo commands as `COMMAND DOCS` describes them.

use super::super::spec::{Arg, ArgKind};

const KEY: Arg = Arg::new("key", ArgKind::Key(0));
const MEMBER: Arg = Arg::new("member", ArgKind::String);
const LONGITUDE: Arg = Arg::new("longitude", ArgKind::Double);
const LATITUDE: Arg = Arg::new("latitude", ArgKind::Double);
const RADIUS: Arg = Arg::new("radius", ArgKind::Double);
const UNIT: Arg = Arg::one_of("unit", UNITS);
const UNITS: &[Arg] =
    &[Arg::token("m", "M"), Arg::token("km", "KM"), Arg::token("ft", "FT"), Arg::token("mi", "MI")];
const WITH_COORD: Arg = Arg::token("withcoord", "WITHCOORD").optional();
const WITH_DIST: Arg = Arg::token("withdist", "WITHDIST").optional();
const WITH_HASH: Arg = Arg::token("withhash", "WITHHASH").optional();
const ORDER: Arg = Arg::one_of("order", ORDERS).optional();
const ORDERS: &[Arg] = &[Arg::token("asc", "ASC"), Arg::token("desc", "DESC")];
const LIMIT: Arg = Arg::new("count", ArgKind::Integer).with_token("COUNT");
const ANY: Arg = Arg::token("any", "ANY").optional();
const COUNT: Arg = Arg::block("count-block", &[LIMIT, ANY]).optional();
/// COUNT of the commands that had it before there was ANY.
const OLD_COUNT: Arg = Arg::block("count-block", &[LIMIT, ANY.since("6.2.0")]).optional();
const STORE: Arg = Arg::one_of("store", STORES).optional();
const STORES: &[Arg] = &[
    Arg::new("storekey", ArgKind::Key(1)).with_token("STORE").display("key"),
    Arg::new("storedistkey", ArgKind::Key(2)).with_token("STOREDIST").display("key"),
];
const FROM: Arg = Arg::one_of("from", CENTERS).optional();
const CENTERS: &[Arg] = &[
    MEMBER.with_token("FROMMEMBER"),
    Arg::block("fromlonlat", &[LONGITUDE, LATITUDE]).with_token("FROMLONLAT"),
];
const BY: Arg = Arg::one_of("by", SHAPES);
const SHAPES: &[Arg] = &[
    Arg::block("circle", &[RADIUS.with_token("BYRADIUS"), UNIT]),
    Arg::block("box", BOX),
    Arg::block("polygon", POLYGON).since("9.0.0"),
];
const BOX: &[Arg] = &[
    Arg::new("width", ArgKind::Double).with_token("BYBOX"),
    Arg::new("height", ArgKind::Double),
    UNIT,
];
const POLYGON: &[Arg] = &[
    Arg::new("num-vertices", ArgKind::Integer).with_token("BYPOLYGON"),
    Arg::block("vertices", &[LONGITUDE, LATITUDE]).multiple(),
];

/// GEOADD
pub(super) const GEOADD: &[Arg] = &[
    KEY,
    Arg::one_of("condition", const { &[Arg::token("nx", "NX"), Arg::token("xx", "XX")] })
        .since("6.2.0")
        .optional(),
    Arg::token("change", "CH").since("6.2.0").optional(),
    Arg::block("data", &[LONGITUDE, LATITUDE, MEMBER]).multiple(),
];
/// GEOPOS, GEOHASH
pub(super) const GEOPOS: &[Arg] = &[KEY, MEMBER.optional().multiple()];
/// GEODIST
pub(super) const GEODIST: &[Arg] = &[
    KEY,
    Arg::new("member1", ArgKind::String),
    Arg::new("member2", ArgKind::String),
    UNIT.optional(),
];
/// GEOSEARCH
pub(super) const GEOSEARCH: &[Arg] =
    &[KEY, FROM, BY, ORDER, COUNT, WITH_COORD, WITH_DIST, WITH_HASH];
/// GEOSEARCHSTORE
pub(super) const GEOSEARCHSTORE: &[Arg] = &[
    Arg::new("destination", ArgKind::Key(0)),
    Arg::new("source", ArgKind::Key(1)),
    FROM,
    BY,
    ORDER,
    COUNT,
    Arg::token("storedist", "STOREDIST").optional(),
];
/// GEORADIUS
pub(super) const GEORADIUS: &[Arg] = &[
    KEY, LONGITUDE, LATITUDE, RADIUS, UNIT, WITH_COORD, WITH_DIST, WITH_HASH, OLD_COUNT, ORDER,
    STORE,
];
/// GEORADIUS_RO
pub(super) const GEORADIUS_RO: &[Arg] =
    &[KEY, LONGITUDE, LATITUDE, RADIUS, UNIT, WITH_COORD, WITH_DIST, WITH_HASH, OLD_COUNT, ORDER];
/// GEORADIUSBYMEMBER
pub(super) const GEORADIUSBYMEMBER: &[Arg] =
    &[KEY, MEMBER, RADIUS, UNIT, WITH_COORD, WITH_DIST, WITH_HASH, COUNT, ORDER, STORE];
/// GEORADIUSBYMEMBER_RO
pub(super) const GEORADIUSBYMEMBER_RO: &[Arg] =
    &[KEY, MEMBER, RADIUS, UNIT, WITH_COORD, WITH_DIST, WITH_HASH, COUNT, ORDER];
