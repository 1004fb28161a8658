//! Geo commands: sorted sets whose scores are positions.
//!
//! `position` works on single positions, `search` finds members in an area. Here stands the table.

mod arguments;
mod position;
mod search;

use super::spec::{BeginSearch, Categories, Command, FindKeys, Flags, Group, KeySpec};

const STORE_WORDS: &[&str] = &["STORE", "STOREDIST"];
const READ: &[KeySpec] = &[KeySpec::one(1, "RO access")];

/// The key that stands behind a word, looked for from this argument on.
const fn stored(word: &'static str, from: i32) -> KeySpec {
    KeySpec {
        begin: BeginSearch::Keyword(word, from),
        find: FindKeys::Range { last: 0, step: 1, limit: 0 },
        flags: "OW update variable_flags",
        notes: "",
    }
}

/// The rows of the family.
pub const TABLE: &[Command] = &[
    Command::write("geoadd", -5, position::geoadd)
        .keys(const { &[KeySpec::one(1, "RW update")] })
        .denyoom()
        .categories(Categories::GEO)
        .args(arguments::GEOADD)
        .history(const { &[("6.2.0", "New options `CH`, `NX` and `XX`.")] })
        .docs(
            Group::Geo,
            "3.2.0",
            "Gives members of a set their positions, and adds those that are new.",
            "O(log(N)) for each member, in a set of N",
        ),
    Command::read("geopos", -2, position::geopos)
        .keys(READ)
        .categories(Categories::GEO)
        .args(arguments::GEOPOS)
        .docs(Group::Geo, "3.2.0", "Tells the positions of members.", "O(1) for each member"),
    Command::read("geodist", -4, position::geodist)
        .keys(READ)
        .categories(Categories::GEO)
        .args(arguments::GEODIST)
        .docs(Group::Geo, "3.2.0", "Tells the distance between two members.", "O(1)"),
    Command::read("geohash", -2, position::geohash)
        .keys(READ)
        .categories(Categories::GEO)
        .args(arguments::GEOPOS)
        .docs(
            Group::Geo,
            "3.2.0",
            "Tells the positions of members as geohash strings.",
            "O(1) for each member",
        ),
    Command::read("geosearch", -7, search::geosearch)
        .keys(READ)
        .flags(Flags::WALKS)
        .categories(Categories::GEO)
        .args(arguments::GEOSEARCH)
        .history(
            const {
                &[
                    ("7.0.0", "Units may be given in capitals."),
                    ("9.0.0", "New option `BYPOLYGON`."),
                ]
            },
        )
        .docs(
            Group::Geo,
            "6.2.0",
            "Finds the members in a circle, a rectangle or a polygon.",
            "O(N + log(M)) for N members in the cells around the area, of a set of M",
        ),
    Command::write("geosearchstore", -8, search::geosearchstore)
        .keys(const { &[KeySpec::one(1, "OW update"), KeySpec::one(2, "RO access")] })
        .denyoom()
        .flags(Flags::WALKS)
        .categories(Categories::GEO)
        .args(arguments::GEOSEARCHSTORE)
        .history(
            const {
                &[
                    ("7.0.0", "Units may be given in capitals."),
                    ("9.0.0", "New option `BYPOLYGON`."),
                ]
            },
        )
        .docs(
            Group::Geo,
            "6.2.0",
            "Makes a sorted set of the members in a circle, a rectangle or a polygon.",
            "O(N + log(M)) for N members in the cells around the area, of a set of M",
        ),
    Command::write("georadius", -6, search::georadius)
        .keys(const { &[KeySpec::one(1, "RO access"), stored("STORE", 6), stored("STOREDIST", 6)] })
        .stores_behind(STORE_WORDS)
        .denyoom()
        .flags(Flags::MOVABLE_KEYS.and(Flags::WALKS))
        .categories(Categories::GEO)
        .args(arguments::GEORADIUS)
        .history(
            const {
                &[
                    ("6.2.0", "New option `ANY` for `COUNT`."),
                    ("7.0.0", "Units may be given in capitals."),
                ]
            },
        )
        .docs(
            Group::Geo,
            "3.2.0",
            "Finds the members within a distance of a position.",
            "O(N + log(M)) for N members in the cells around the area, of a set of M",
        ),
    Command::read("georadius_ro", -6, search::georadius_ro)
        .keys(READ)
        .flags(Flags::WALKS)
        .categories(Categories::GEO)
        .args(arguments::GEORADIUS_RO)
        .history(
            const {
                &[
                    ("6.2.0", "New option `ANY` for `COUNT`."),
                    ("7.0.0", "Units may be given in capitals."),
                ]
            },
        )
        .docs(
            Group::Geo,
            "3.2.10",
            "Finds the members within a distance of a position.",
            "O(N + log(M)) for N members in the cells around the area, of a set of M",
        ),
    Command::write("georadiusbymember", -5, search::georadiusbymember)
        .keys(const { &[KeySpec::one(1, "RO access"), stored("STORE", 5), stored("STOREDIST", 5)] })
        .stores_behind(STORE_WORDS)
        .denyoom()
        .flags(Flags::MOVABLE_KEYS.and(Flags::WALKS))
        .categories(Categories::GEO)
        .args(arguments::GEORADIUSBYMEMBER)
        .history(
            const {
                &[
                    ("6.2.0", "New option `ANY` for `COUNT`."),
                    ("7.0.0", "Units may be given in capitals."),
                ]
            },
        )
        .docs(
            Group::Geo,
            "3.2.0",
            "Finds the members within a distance of one of them.",
            "O(N + log(M)) for N members in the cells around the area, of a set of M",
        ),
    Command::read("georadiusbymember_ro", -5, search::georadiusbymember_ro)
        .keys(READ)
        .flags(Flags::WALKS)
        .categories(Categories::GEO)
        .args(arguments::GEORADIUSBYMEMBER_RO)
        .history(
            const {
                &[
                    ("6.2.0", "New option `ANY` for `COUNT`."),
                    ("7.0.0", "Units may be given in capitals."),
                ]
            },
        )
        .docs(
            Group::Geo,
            "3.2.10",
            "Finds the members within a distance of one of them.",
            "O(N + log(M)) for N members in the cells around the area, of a set of M",
        ),
];

#[cfg(test)]
mod tests;
