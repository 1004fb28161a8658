//! Searches: GEOSEARCH, GEOSEARCHSTORE, and the older GEORADIUS and GEORADIUSBYMEMBER.

use super::position::{member_position, point_at, reply_distance, reply_point, unit_at};
use crate::command::zset::score::parse_score;
use crate::command::zset::{limits, reply_member, store};
use crate::command::{Args, CommandError, CommandResult, Key, Read, Write, parse_integer};
use crate::keyspace::Event;
use crate::resp::Writer;
use crate::value::geohash::{self, Area, Point, Shape};
use crate::value::listpack::Item;
use crate::value::zset::{ScoreRange, Zset};

const GEOSEARCHSTORE: Event = Event::sorted_set("geosearchstore");
const GEORADIUSSTORE: Event = Event::sorted_set("georadiusstore");

/// Which command searches.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// GEORADIUS: the centre is an argument.
    Radius,
    /// GEORADIUSBYMEMBER: the centre is a member.
    RadiusByMember,
    /// GEOSEARCH
    Search,
    /// GEOSEARCHSTORE
    SearchStore,
}

impl Form {
    fn is_search(self) -> bool {
        matches!(self, Form::Search | Form::SearchStore)
    }

    /// Where the options start.
    fn options_at(self) -> usize {
        match self {
            Form::Radius => 6,
            Form::RadiusByMember => 5,
            Form::Search => 2,
            Form::SearchStore => 3,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    Nearest,
    Farthest,
}

/// What a request asks for.
#[derive(Default)]
struct Request {
    center: Option<Point>,
    /// The centre is a member, which may be one of a key that is not there.
    is_from_member: bool,
    /// Shape and metres of its unit.
    shape: Option<(Shape, f64)>,
    polygon: Option<Area>,
    order: Option<Order>,
    count: Option<usize>,
    any: bool,
    with_distance: bool,
    with_hash: bool,
    with_position: bool,
    /// Where the key to store to stands.
    store_at: Option<usize>,
    store_distances: bool,
}

/// A member that was found.
struct Found<'a> {
    member: Item<'a>,
    score: f64,
    /// From the centre, in metres.
    distance: f64,
    point: Point,
}

/// The length that stands at `at`, with the text of the error for what is no number.
fn length_at(args: Args<'_>, at: usize, error: CommandError) -> Result<f64, CommandError> {
    args.get(at).and_then(parse_score).ok_or(error)
}

fn circle_at(args: Args<'_>, at: usize) -> Result<(Shape, f64), CommandError> {
    let radius = length_at(args, at, CommandError::RADIUS_NOT_NUMERIC)?;
    if radius < 0.0 {
        return Err(CommandError::NEGATIVE_RADIUS);
    }
    Ok((Shape::Circle { radius }, unit_at(args, at + 1)?))
}

fn rectangle_at(args: Args<'_>, at: usize) -> Result<(Shape, f64), CommandError> {
    let width = length_at(args, at, CommandError::WIDTH_NOT_NUMERIC)?;
    let height = length_at(args, at + 1, CommandError::HEIGHT_NOT_NUMERIC)?;
    if width < 0.0 || height < 0.0 {
        return Err(CommandError::NEGATIVE_BOX);
    }
    Ok((Shape::Rectangle { width, height }, unit_at(args, at + 2)?))
}

/// The polygon whose number of corners stands at `at`, and how many arguments it takes.
fn polygon_at(args: Args<'_>, at: usize) -> Result<(Area, usize), CommandError> {
    let number = args.get(at).and_then(parse_integer);
    let number = number.and_then(|number| i32::try_from(number).ok());
    let number = number.ok_or(CommandError::INVALID_VERTICES)?;
    let possible = (args.len() - at - 1) / 2;
    let corners = usize::try_from(number).ok().filter(|&n| n >= 3 && n <= possible);
    let corners = corners.ok_or(CommandError::FEW_VERTICES)?;
    let points: Vec<Point> =
        (0..corners).map(|n| point_at(args, at + 1 + 2 * n)).collect::<Result<_, _>>()?;
    Ok((Area::of_polygon(points), 1 + 2 * corners))
}

impl Request {
    /// Reads all of a request for a search in `set`.
    fn parse(
        args: Args<'_>,
        set: Option<&Zset>,
        form: Form,
        may_store: bool,
    ) -> Result<Request, CommandError> {
        let mut request = Request::default();
        match (form, set) {
            (Form::Radius, _) => {
                request.center = Some(point_at(args, 2)?);
                request.shape = Some(circle_at(args, 4)?);
            }
            (Form::RadiusByMember, Some(set)) => {
                request.center = Some(member_position(set, &args[2])?);
                request.shape = Some(circle_at(args, 3)?);
            }
            (Form::SearchStore, _) => request.store_at = Some(1),
            _ => {}
        }
        let mut at = form.options_at();
        while at < args.len() {
            let taken = request.plain_option(args, at, form, may_store)?;
            at += match taken {
                0 if form.is_search() => request.area_option(args, at, set)?,
                0 => return Err(CommandError::SYNTAX),
                taken => taken,
            };
        }
        request.check(args, form)?;
        Ok(request)
    }

    /// Reads an option that all forms have, or one about storing; how many arguments it takes.
    fn plain_option(
        &mut self,
        args: Args<'_>,
        at: usize,
        form: Form,
        may_store: bool,
    ) -> Result<usize, CommandError> {
        let has_value = at + 1 < args.len();
        let stores = may_store && has_value && !form.is_search();
        match () {
            () if args.is(at, "WITHDIST") => self.with_distance = true,
            () if args.is(at, "WITHHASH") => self.with_hash = true,
            () if args.is(at, "WITHCOORD") => self.with_position = true,
            () if args.is(at, "ANY") => self.any = true,
            () if args.is(at, "ASC") => self.order = Some(Order::Nearest),
            () if args.is(at, "DESC") => self.order = Some(Order::Farthest),
            () if has_value && args.is(at, "COUNT") => {
                let count = usize::try_from(args.integer(at + 1)?).ok().filter(|&n| n > 0);
                self.count = Some(count.ok_or(CommandError::GEO_COUNT)?);
                return Ok(2);
            }
            () if stores && (args.is(at, "STORE") || args.is(at, "STOREDIST")) => {
                self.store_at = Some(at + 1);
                self.store_distances = args.is(at, "STOREDIST");
                return Ok(2);
            }
            () if form == Form::SearchStore && args.is(at, "STOREDIST") => {
                self.store_distances = true;
            }
            () => return Ok(0),
        }
        Ok(1)
    }

    /// Reads an option of GEOSEARCH that says where to search; how many arguments it takes.
    fn area_option(
        &mut self,
        args: Args<'_>,
        at: usize,
        set: Option<&Zset>,
    ) -> Result<usize, CommandError> {
        let left = args.len() - at - 1;
        let by_member = self.is_from_member;
        let by_place = self.center.is_some() && !by_member;
        let is_circle = matches!(self.shape, Some((Shape::Circle { .. }, _)));
        let is_box = matches!(self.shape, Some((Shape::Rectangle { .. }, _)));
        let no_polygon = self.polygon.is_none();
        match () {
            () if left >= 1 && !by_place && no_polygon && args.is(at, "FROMMEMBER") => {
                self.center = set.map(|set| member_position(set, &args[at + 1])).transpose()?;
                self.is_from_member = true;
                Ok(2)
            }
            () if left >= 2 && !by_member && no_polygon && args.is(at, "FROMLONLAT") => {
                self.center = Some(point_at(args, at + 1)?);
                Ok(3)
            }
            () if left >= 2 && !is_box && no_polygon && args.is(at, "BYRADIUS") => {
                self.shape = Some(circle_at(args, at + 1)?);
                Ok(3)
            }
            () if left >= 3 && !is_circle && no_polygon && args.is(at, "BYBOX") => {
                self.shape = Some(rectangle_at(args, at + 1)?);
                Ok(4)
            }
            () if left >= 2
                && self.shape.is_none()
                && !by_member
                && !by_place
                && args.is(at, "BYPOLYGON") =>
            {
                let (area, taken) = polygon_at(args, at + 1)?;
                self.polygon = Some(area);
                Ok(1 + taken)
            }
            () => Err(CommandError::SYNTAX),
        }
    }

    /// Fails if options exclude or miss each other.
    fn check(&self, args: Args<'_>, form: Form) -> CommandResult {
        if self.store_at.is_some() && (self.with_distance || self.with_hash || self.with_position) {
            return Err(match form {
                Form::SearchStore => CommandError::GEOSEARCHSTORE_WITH,
                _ => CommandError::GEORADIUS_STORE_WITH,
            });
        }
        let one_of = |what: &str| {
            let text = format!("ERR exactly one of {what} can be specified for ");
            let name = crate::command::error::shown_up_to(&args[0], args[0].len());
            Err(CommandError::made([text.as_bytes(), name].concat()))
        };
        let has_center = self.center.is_some() || self.is_from_member;
        if form.is_search() && !has_center && self.polygon.is_none() {
            return one_of("FROMMEMBER or FROMLONLAT");
        }
        if form.is_search() && self.shape.is_none() && self.polygon.is_none() {
            return one_of("BYRADIUS, BYBOX and BYPOLYGON");
        }
        if self.any && self.count.is_none() {
            return Err(CommandError::ANY_WITHOUT_COUNT);
        }
        Ok(())
    }

    fn area(&self) -> Option<Area> {
        if let Some(area) = &self.polygon {
            return Some(area.clone());
        }
        let (shape, unit) = self.shape.clone()?;
        Some(Area { center: self.center?, unit, shape })
    }

    /// The members in the area, in the order and number that are asked for.
    fn find<'a>(&self, set: &'a Zset, area: &Area) -> Vec<Found<'a>> {
        let enough = if self.any { self.count.unwrap_or(usize::MAX) } else { usize::MAX };
        let mut found = Vec::new();
        'ranges: for [min, max] in area.ranges() {
            let range = ScoreRange { min, max, above_min: false, below_max: true };
            if found.len() >= enough {
                break;
            }
            for (member, score) in set.range(set.ranks_by_score(&range)) {
                let point = geohash::decode(score);
                if let Some(distance) = area.distance_within(point) {
                    found.push(Found { member, score, distance, point });
                    if found.len() >= enough {
                        break 'ranges;
                    }
                }
            }
        }
        // The first so many are the nearest ones, unless any will do.
        let order =
            self.order.or_else(|| (self.count.is_some() && !self.any).then_some(Order::Nearest));
        match order {
            None => {}
            Some(Order::Nearest) => found.sort_by(|a, b| a.distance.total_cmp(&b.distance)),
            Some(Order::Farthest) => found.sort_by(|a, b| b.distance.total_cmp(&a.distance)),
        }
        found.truncate(self.count.unwrap_or(usize::MAX));
        found
    }

    fn reply(&self, found: &[Found<'_>], unit: f64, out: &mut Writer<'_>) {
        let extras = [self.with_distance, self.with_hash, self.with_position];
        let extras = extras.into_iter().filter(|&extra| extra).count();
        out.array(found.len());
        for Found { member, score, distance, point } in found {
            if extras > 0 {
                out.array(1 + extras);
            }
            reply_member(*member, out);
            if self.with_distance {
                reply_distance(distance / unit, out);
            }
            if self.with_hash {
                out.int(*score as i64);
            }
            if self.with_position {
                reply_point(*point, out);
            }
        }
    }
}

/// Searches the set at `key` and gives what was asked for to `done`: nothing if there is no set.
fn search<R>(
    cx: &mut Read<'_>,
    key: &Key<'_>,
    args: Args<'_>,
    form: Form,
    may_store: bool,
    done: impl FnOnce(&Request, &[Found<'_>], f64) -> R,
) -> Result<R, CommandError> {
    let set = cx.read_as::<Zset>(key)?;
    let request = Request::parse(args, set, form, may_store)?;
    Ok(match set.zip(request.area()) {
        Some((set, area)) => done(&request, &request.find(set, &area), area.unit),
        None => done(&request, &[], 1.0),
    })
}

/// Searches and replies.
fn search_and_reply(
    cx: &mut Read<'_>,
    args: Args<'_>,
    form: Form,
    out: &mut Writer<'_>,
) -> CommandResult {
    search(cx, &args.key(1), args, form, false, |request, found, unit| {
        request.reply(found, unit, out);
    })
}

/// Searches the set at argument `at`, and stores what was found or replies it.
fn search_and_store(
    cx: &mut Write<'_>,
    args: Args<'_>,
    at: usize,
    form: Form,
    out: &mut Writer<'_>,
) -> CommandResult {
    let limits = limits(cx);
    let result = search(cx, &args.key(at), args, form, true, |request, found, unit| {
        let Some(store_at) = request.store_at else {
            request.reply(found, unit, out);
            return None;
        };
        let texts: Vec<Vec<u8>> = found.iter().map(|found| found.member.to_vec()).collect();
        let longest = texts.iter().map(Vec::len).max().unwrap_or(0);
        let mut result = Zset::for_members(found.len(), longest, limits);
        for (text, found) in texts.iter().zip(found) {
            let score = if request.store_distances { found.distance / unit } else { found.score };
            result.insert(text, score, limits);
        }
        Some((store_at, result))
    })?;
    if let Some((store_at, result)) = result {
        let event = if form.is_search() { GEOSEARCHSTORE } else { GEORADIUSSTORE };
        store(cx, &args.key(store_at), result, event, args, out);
    }
    Ok(())
}

/// GEOSEARCH key [FROMMEMBER … | FROMLONLAT …] BYRADIUS … | BYBOX … | BYPOLYGON … [options]
pub(super) fn geosearch(cx: &mut Read<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    search_and_reply(cx, args, Form::Search, out)
}

/// GEOSEARCHSTORE destination source, then as GEOSEARCH, with STOREDIST
pub(super) fn geosearchstore(
    cx: &mut Write<'_>,
    args: Args<'_>,
    out: &mut Writer<'_>,
) -> CommandResult {
    search_and_store(cx, args, 2, Form::SearchStore, out)
}

/// GEORADIUS key longitude latitude radius unit [options] [STORE key | STOREDIST key]
pub(super) fn georadius(cx: &mut Write<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    search_and_store(cx, args, 1, Form::Radius, out)
}

/// GEORADIUSBYMEMBER key member radius unit [options] [STORE key | STOREDIST key]
pub(super) fn georadiusbymember(
    cx: &mut Write<'_>,
    args: Args<'_>,
    out: &mut Writer<'_>,
) -> CommandResult {
    search_and_store(cx, args, 1, Form::RadiusByMember, out)
}

/// GEORADIUS_RO: GEORADIUS without storing
pub(super) fn georadius_ro(
    cx: &mut Read<'_>,
    args: Args<'_>,
    out: &mut Writer<'_>,
) -> CommandResult {
    search_and_reply(cx, args, Form::Radius, out)
}

/// GEORADIUSBYMEMBER_RO: GEORADIUSBYMEMBER without storing
pub(super) fn georadiusbymember_ro(
    cx: &mut Read<'_>,
    args: Args<'_>,
    out: &mut Writer<'_>,
) -> CommandResult {
    search_and_reply(cx, args, Form::RadiusByMember, out)
}
