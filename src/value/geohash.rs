//! Positions on the earth as numbers, and areas that are searched.
//!
//! A position is kept as a geohash of 52 bits: longitude and latitude are each cut in halves 26
//! times, and their bits stand in turn, those of the longitude higher. Numbers that are near are
//! places that are near, so that an area is a few ranges of numbers: a cell around its centre and
//! the eight around that. Latitudes reach to ±85.05112878, as in web maps (EPSG:3857).
//!
//! Distances are great circles on a sphere, by the haversine. The formulas, their order and the
//! constants are Redis's, so that replies are the same to the last digit.

use std::f64::consts::PI;

/// The westernmost and easternmost longitude, in degrees.
pub const LONGITUDES: [f64; 2] = [-180.0, 180.0];
/// The southernmost and northernmost latitude, in degrees.
pub const LATITUDES: [f64; 2] = [-85.051_128_78, 85.051_128_78];
/// Latitudes of geohash strings, which have another grid.
const WHOLE_LATITUDES: [f64; 2] = [-90.0, 90.0];
/// Mean radius of the earth, in metres.
const EARTH_RADIUS: f64 = 6_372_797.560_856;
/// Half of the circumference of web maps' earth, in metres.
const MERCATOR_MAX: f64 = 20_037_726.37;
/// How often each axis is halved.
const MAX_STEPS: u32 = 26;
/// Sines below this are those of one longitude.
const SAME_LONGITUDE: f64 = 1e-15;
const ALPHABET: &[u8; 32] = b"0123456789bcdefghjkmnpqrstuvwxyz";

/// A position, in degrees.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// To the east.
    pub longitude: f64,
    /// To the north.
    pub latitude: f64,
}

fn radians(degrees: f64) -> f64 {
    degrees * (PI / 180.0)
}

fn degrees(radians: f64) -> f64 {
    radians / (PI / 180.0)
}

/// Puts the bits of two numbers in turn, those of `high` above those of `low`.
fn interleave(low: u32, high: u32) -> u64 {
    let spread = |number: u32| {
        let mut bits = u64::from(number);
        for (shift, mask) in [
            (16, 0x0000_FFFF_0000_FFFF),
            (8, 0x00FF_00FF_00FF_00FF),
            (4, 0x0F0F_0F0F_0F0F_0F0F),
            (2, 0x3333_3333_3333_3333),
            (1, 0x5555_5555_5555_5555),
        ] {
            bits = (bits | bits << shift) & mask;
        }
        bits
    };
    spread(low) | spread(high) << 1
}

/// The two numbers whose bits stand in turn: (low, high).
fn deinterleave(bits: u64) -> (u32, u32) {
    let gather = |bits: u64| {
        let mut bits = bits & 0x5555_5555_5555_5555;
        for (shift, mask) in [
            (1, 0x3333_3333_3333_3333),
            (2, 0x0F0F_0F0F_0F0F_0F0F),
            (4, 0x00FF_00FF_00FF_00FF),
            (8, 0x0000_FFFF_0000_FFFF),
            (16, 0x0000_0000_FFFF_FFFF),
        ] {
            bits = (bits | bits >> shift) & mask;
        }
        bits as u32
    };
    (gather(bits), gather(bits >> 1))
}

/// A cell of the grid whose axes are halved `steps` times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cell {
    longitude: u32,
    latitude: u32,
    steps: u32,
}

/// The edges of a cell: west, south, east, north.
#[derive(Clone, Copy, Debug)]
struct Edges {
    west: f64,
    south: f64,
    east: f64,
    north: f64,
}

impl Cell {
    fn of(point: Point, steps: u32, latitudes: [f64; 2]) -> Cell {
        let index = |value: f64, [min, max]: [f64; 2]| {
            ((value - min) / (max - min) * (1_u64 << steps) as f64) as u32
        };
        Cell {
            longitude: index(point.longitude, LONGITUDES),
            latitude: index(point.latitude, latitudes),
            steps,
        }
    }

    fn bits(self) -> u64 {
        interleave(self.latitude, self.longitude)
    }

    fn from_bits(bits: u64) -> Cell {
        let (latitude, longitude) = deinterleave(bits);
        Cell { longitude, latitude, steps: MAX_STEPS }
    }

    fn edges(self) -> Edges {
        let at = |index: u32, [min, max]: [f64; 2]| {
            min + f64::from(index) / (1_u64 << self.steps) as f64 * (max - min)
        };
        Edges {
            west: at(self.longitude, LONGITUDES),
            south: at(self.latitude, LATITUDES),
            east: at(self.longitude.wrapping_add(1), LONGITUDES),
            north: at(self.latitude.wrapping_add(1), LATITUDES),
        }
    }

    /// The middle of it, within the map.
    fn middle(self) -> Point {
        let edges = self.edges();
        let clamp = |value: f64, [min, max]: [f64; 2]| value.clamp(min, max);
        Point {
            longitude: clamp((edges.west + edges.east) / 2.0, LONGITUDES),
            latitude: clamp((edges.south + edges.north) / 2.0, LATITUDES),
        }
    }

    /// The cell so many to the east and to the north (−1, 0 or 1), around the map.
    fn beside(self, east: i32, north: i32) -> Cell {
        let mask = u32::MAX >> (u32::BITS - self.steps);
        let step = |index: u32, by: i32| {
            if by == 0 { index } else { index.wrapping_add_signed(by) & mask }
        };
        Cell {
            longitude: step(self.longitude, east),
            latitude: step(self.latitude, north),
            steps: self.steps,
        }
    }

    /// The numbers of the positions in it, from the first to the one behind the last.
    fn scores(self) -> [f64; 2] {
        let shift = 2 * (MAX_STEPS - self.steps);
        [(self.bits() << shift) as f64, ((self.bits() + 1) << shift) as f64]
    }
}

/// The number of a position on the map.
pub fn encode(point: Point) -> u64 {
    Cell::of(point, MAX_STEPS, LATITUDES).bits()
}

/// The bits of a score, as C converts it on x86-64: any score has some.
fn bits_of(score: f64) -> u64 {
    /// 2^63 and 2^64.
    const HALF: f64 = 9_223_372_036_854_775_808.0;
    const WHOLE: f64 = 18_446_744_073_709_551_616.0;
    if score < HALF {
        (score as i64) as u64
    } else if score < WHOLE {
        score as u64
    } else {
        0
    }
}

/// The position that a score stands for. Scores that are no positions give some place as well.
pub fn decode(score: f64) -> Point {
    Cell::from_bits(bits_of(score)).middle()
}

/// The geohash string of a position: 11 characters, the last of which has no bits left and is 0.
pub fn text(point: Point) -> [u8; 11] {
    let bits = Cell::of(point, MAX_STEPS, WHOLE_LATITUDES).bits();
    let mut text = [ALPHABET[0]; 11];
    for (at, character) in text.iter_mut().take(10).enumerate() {
        *character = ALPHABET[(bits >> (2 * MAX_STEPS as usize - 5 * (at + 1))) as usize & 31];
    }
    text
}

fn latitude_distance(from: f64, to: f64) -> f64 {
    EARTH_RADIUS * (radians(to) - radians(from)).abs()
}

/// The distance between two positions, in metres.
pub fn distance(from: Point, to: Point) -> f64 {
    let v = ((radians(to.longitude) - radians(from.longitude)) / 2.0).sin();
    if v.abs() <= SAME_LONGITUDE {
        return latitude_distance(from.latitude, to.latitude);
    }
    let (from, to) = (radians(from.latitude), radians(to.latitude));
    let u = ((to - from) / 2.0).sin();
    let a = u * u + from.cos() * to.cos() * v * v;
    2.0 * EARTH_RADIUS * a.sqrt().asin()
}

/// The shape of an area. Lengths are in the area's unit.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// Everything within a distance of the centre.
    Circle {
        /// The distance.
        radius: f64,
    },
    /// Everything within half a width and half a height of the centre.
    Rectangle {
        /// From west to east.
        width: f64,
        /// From south to north.
        height: f64,
    },
    /// Everything within a polygon, whose centre follows from its corners.
    Polygon(Vec<Point>),
}

/// An area to search.
#[derive(Clone, Debug, PartialEq)]
pub struct Area {
    /// The position that distances are measured from.
    pub center: Point,
    /// Metres of the unit of its lengths.
    pub unit: f64,
    /// Its shape.
    pub shape: Shape,
}

impl Area {
    /// The area of a polygon, around the mean of its corners on the sphere.
    pub fn of_polygon(corners: Vec<Point>) -> Area {
        let (mut x, mut y, mut z) = (0.0, 0.0, 0.0);
        for corner in &corners {
            let (longitude, latitude) = (radians(corner.longitude), radians(corner.latitude));
            x += latitude.cos() * longitude.cos();
            y += latitude.cos() * longitude.sin();
            z += latitude.sin();
        }
        let center = Point {
            longitude: degrees(f64::atan2(y, x)),
            latitude: degrees(f64::atan2(z, (x * x + y * y).sqrt())),
        };
        Area { center, unit: 1.0, shape: Shape::Polygon(corners) }
    }

    /// The distance from the centre in metres, if a position is in the area.
    pub fn distance_within(&self, point: Point) -> Option<f64> {
        match &self.shape {
            Shape::Circle { radius } => {
                let distance = distance(self.center, point);
                (distance <= radius * self.unit).then_some(distance)
            }
            Shape::Rectangle { width, height } => {
                // Along the meridian first: that is cheap.
                let north = latitude_distance(point.latitude, self.center.latitude);
                if north > height * self.unit / 2.0 {
                    return None;
                }
                let beside = Point { longitude: self.center.longitude, ..point };
                if distance(point, beside) > width * self.unit / 2.0 {
                    return None;
                }
                Some(distance(self.center, point))
            }
            Shape::Polygon(corners) => {
                is_inside(point, corners).then(|| distance(self.center, point))
            }
        }
    }

    /// The smallest and largest coordinates of the area.
    fn bounds(&self) -> Edges {
        let (width, height) = match &self.shape {
            Shape::Circle { radius } => (self.unit * radius, self.unit * radius),
            Shape::Rectangle { width, height } => {
                (self.unit * width / 2.0, self.unit * height / 2.0)
            }
            Shape::Polygon(corners) => return bounds_of(corners),
        };
        let Point { longitude, latitude } = self.center;
        let north = degrees(height / EARTH_RADIUS);
        // The edge that is nearer to the pole spans more longitudes.
        let widest = if latitude < 0.0 { latitude - north } else { latitude + north };
        let east = degrees(width / EARTH_RADIUS / radians(widest).cos());
        Edges {
            west: longitude - east,
            south: latitude - north,
            east: longitude + east,
            north: latitude + north,
        }
    }

    /// A radius around the centre that has the whole area in it, in metres.
    fn reach(&self, bounds: Edges) -> f64 {
        match &self.shape {
            Shape::Circle { radius } => radius * self.unit,
            Shape::Rectangle { width, height } => {
                let (width, height) = (width / 2.0, height / 2.0);
                (width * width + height * height).sqrt() * self.unit
            }
            Shape::Polygon(_) => {
                let corner =
                    |longitude, latitude| distance(self.center, Point { longitude, latitude });
                corner(bounds.west, bounds.north)
                    .max(corner(bounds.east, bounds.north))
                    .max(corner(bounds.west, bounds.south))
                    .max(corner(bounds.east, bounds.south))
            }
        }
    }

    /// The ranges of scores (from the first to the one behind the last) that have every position
    /// of the area in them, and others. In an order that replies show.
    pub fn ranges(&self) -> Vec<[f64; 2]> {
        /// Where the cells around the middle one are.
        const AROUND: [(i32, i32); 9] =
            [(0, 0), (0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (-1, 1), (1, -1), (-1, -1)];
        let bounds = self.bounds();
        let steps = steps_for(self.reach(bounds), self.center.latitude);
        let mut middle = Cell::of(self.center, steps, LATITUDES);
        if steps > 1 && !reaches(middle, bounds) {
            middle = Cell::of(self.center, steps - 1, LATITUDES);
        }
        let edges = middle.edges();
        let is_needed = |&(east, north): &(i32, i32)| {
            middle.steps < 2
                || !(north < 0 && edges.south < bounds.south
                    || north > 0 && edges.north > bounds.north
                    || east < 0 && edges.west < bounds.west
                    || east > 0 && edges.east > bounds.east)
        };
        let mut cells: Vec<Cell> = Vec::with_capacity(AROUND.len());
        for (east, north) in AROUND.into_iter().filter(is_needed) {
            let cell = middle.beside(east, north);
            // Around a small map neighbours are the same; the middle one is not looked at again
            // here, and may come twice, as in Redis.
            if cells.len() < 2 || cells.last() != Some(&cell) {
                cells.push(cell);
            }
        }
        cells.into_iter().map(Cell::scores).collect()
    }
}

fn bounds_of(corners: &[Point]) -> Edges {
    let start = Edges {
        west: LONGITUDES[1],
        south: LATITUDES[1],
        east: LONGITUDES[0],
        north: LATITUDES[0],
    };
    corners.iter().fold(start, |bounds, corner| Edges {
        west: bounds.west.min(corner.longitude),
        south: bounds.south.min(corner.latitude),
        east: bounds.east.max(corner.longitude),
        north: bounds.north.max(corner.latitude),
    })
}

/// Whether a ray from the point crosses an odd number of the polygon's sides.
fn is_inside(point: Point, corners: &[Point]) -> bool {
    let Some(last) = corners.last() else { return false };
    let before = std::iter::once(last).chain(corners);
    let crosses = |(a, b): &(&Point, &Point)| {
        (a.latitude > point.latitude) != (b.latitude > point.latitude)
            && point.longitude
                < (b.longitude - a.longitude) * (point.latitude - a.latitude)
                    / (b.latitude - a.latitude)
                    + a.longitude
    };
    corners.iter().zip(before).filter(crosses).count() % 2 == 1
}

/// How often the axes are halved for cells of which nine have everything within `reach` metres.
fn steps_for(reach: f64, latitude: f64) -> u32 {
    if reach == 0.0 {
        return MAX_STEPS;
    }
    let mut steps = 1;
    let mut reach = reach;
    while reach < MERCATOR_MAX {
        reach *= 2.0;
        steps += 1;
    }
    steps -= 2;
    // Meridians come together towards the poles.
    steps -= i32::from(latitude.abs() > 66.0) + i32::from(latitude.abs() > 80.0);
    steps.clamp(1, MAX_STEPS as i32) as u32
}

/// Whether the cells around `middle` reach to the bounds.
fn reaches(middle: Cell, bounds: Edges) -> bool {
    !(middle.beside(0, 1).edges().north < bounds.north
        || middle.beside(0, -1).edges().south > bounds.south
        || middle.beside(1, 0).edges().east < bounds.east
        || middle.beside(-1, 0).edges().west > bounds.west)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PALERMO: Point = Point { longitude: 13.361_389, latitude: 38.115_556 };
    const CATANIA: Point = Point { longitude: 15.087_269, latitude: 37.502_669 };

    /// As Valkey 9.1 replies.
    #[test]
    fn positions_of_the_documentation() {
        assert_eq!(encode(PALERMO), 3_479_099_956_230_698);
        assert_eq!(encode(CATANIA), 3_479_447_370_796_909);
        let (palermo, catania) = (decode(3_479_099_956_230_698.0), decode(3_479_447_370_796_909.0));
        assert_eq!(&text(palermo), b"sqc8b49rny0");
        assert_eq!(&text(catania), b"sqdtr74hyu0");
        assert_eq!(format!("{:.4}", distance(palermo, catania)), "166274.1516");
        assert_eq!(format!("{:.17}", palermo.longitude), "13.36138933897018433");
    }

    #[test]
    fn scores_that_are_no_positions() {
        assert_eq!(decode(-1.0), Point { longitude: 180.0, latitude: 85.051_128_78 });
        for score in [1e300, f64::INFINITY, 1.8e19, 9.3e18, f64::NEG_INFINITY] {
            let point = decode(score);
            assert!(point.longitude.abs() <= 180.0 && point.latitude.abs() <= 86.0);
        }
    }

    fn point() -> impl Strategy<Value = Point> {
        (-180.0..=180.0_f64, -85.05..=85.05_f64)
            .prop_map(|(longitude, latitude)| Point { longitude, latitude })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 4 } else { 2_000 }))]

        #[test]
        fn bits_stand_in_turn(low: u32, high: u32) {
            prop_assert_eq!(deinterleave(interleave(low, high)), (low, high));
            for bit in 0..32 {
                prop_assert_eq!(interleave(low, high) >> (2 * bit) & 1, u64::from(low >> bit & 1));
            }
        }

        #[test]
        fn a_position_comes_back_nearly(point in point()) {
            let back = decode(encode(point) as f64);
            prop_assert!((back.longitude - point.longitude).abs() < 3e-6);
            prop_assert!((back.latitude - point.latitude).abs() < 2e-6);
        }

        #[test]
        fn what_is_in_an_area_is_in_its_ranges(
            center in (-170.0..=170.0_f64, -60.0..=60.0_f64)
                .prop_map(|(longitude, latitude)| Point { longitude, latitude }),
            east in -1.0..=1.0_f64,
            north in -1.0..=1.0_f64,
            length in 1.0..=2_000_000.0_f64,
            kind in 0..3_u8,
        ) {
            let reach = length / 111_000.0;
            // Across the antimeridian, and over a pole, Redis itself does not look.
            let north_most = center.latitude.abs() + 2.0 * reach;
            prop_assume!(north_most < 80.0);
            let widest = 2.0 * reach / north_most.to_radians().cos();
            prop_assume!(center.longitude.abs() + widest < 180.0);
            let at = |east: f64, north: f64| Point {
                longitude: (center.longitude + east * reach).clamp(-180.0, 180.0),
                latitude: (center.latitude + north * reach).clamp(-85.0, 85.0),
            };
            let area = match kind {
                0 => Area { center, unit: 1.0, shape: Shape::Circle { radius: length } },
                1 => {
                    let shape = Shape::Rectangle { width: length, height: length * 1.5 };
                    Area { center, unit: 1.0, shape }
                }
                _ => Area::of_polygon(vec![at(-0.5, -0.5), at(0.5, -0.6), at(0.1, 0.7)]),
            };
            let score = encode(at(east, north)) as f64;
            if area.distance_within(decode(score)).is_some() {
                let found = area.ranges().iter().any(|[from, to]| (*from..*to).contains(&score));
                prop_assert!(found, "{area:?} {score}");
            }
        }
    }
}
