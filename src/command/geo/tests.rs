//! Geo commands over boxes: replies of the documentation, effects, RESP3.

use crate::command::testing::Boxes;
use crate::resp::Proto;

fn sicily(boxes: &mut Boxes) {
    let request = "GEOADD g 13.361389 38.115556 Palermo 15.087269 37.502669 Catania";
    assert_eq!(boxes.say(request), ":2");
    boxes.effects();
}

#[test]
fn towns_of_sicily() {
    let mut boxes = Boxes::new(1);
    sicily(&mut boxes);
    assert_eq!(boxes.say("GEODIST g Palermo Catania km"), "$8 166.2742");
    assert_eq!(boxes.say("GEODIST g Palermo Palermo"), "$6 0.0000");
    assert_eq!(boxes.say("GEOHASH g Palermo x"), "*2 $11 sqc8b49rny0 $-1");
    let near = "GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 200 km ASC WITHDIST WITHHASH";
    let reply = "*2 *3 $7 Catania $7 56.4413 :3479447370796909 \
                 *3 $7 Palermo $8 190.4424 :3479099956230698";
    assert_eq!(boxes.say(near), reply);
    let polygon = "GEOSEARCH g BYPOLYGON 4 10 35 20 35 20 40 10 40 COUNT 1";
    assert_eq!(boxes.say(polygon), "*1 $7 Catania");
}

#[test]
fn what_is_found_is_stored_on_any_shard() {
    let mut boxes = Boxes::new(4);
    sicily(&mut boxes);
    assert_eq!(boxes.say("GEORADIUS g 15 37 100 km STOREDIST d"), ":1");
    assert_eq!(boxes.say("ZRANGE d 0 -1 WITHSCORES"), "*2 $7 Catania $16 56.4412578701582");
    let store = "GEOSEARCHSTORE e g FROMMEMBER Palermo BYBOX 400 400 km";
    assert_eq!(boxes.say(store), ":2");
    assert_eq!(boxes.say("GEORADIUSBYMEMBER missing a 1 km STORE e"), ":0");
    assert_eq!(boxes.say("EXISTS e"), ":0");
    let effects =
        ["GEORADIUS g 15 37 100 km STOREDIST d", store, "GEORADIUSBYMEMBER missing a 1 km STORE e"];
    assert_eq!(boxes.effect_texts(), effects);
}

#[test]
fn coordinates_are_doubles_in_resp3_and_distances_are_not() {
    let mut boxes = Boxes::new(1);
    sicily(&mut boxes);
    boxes.proto = Proto::Resp3;
    let position = "*2 *2 ,13.36138933897018433 ,38.11555639549629859 _";
    assert_eq!(boxes.say("GEOPOS g Palermo x"), position);
    assert_eq!(boxes.say("GEODIST g Palermo Catania"), "$11 166274.1516");
}
