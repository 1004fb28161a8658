"""Places on the earth."""

from ..holding import equal, refused

PALERMO = (13.361389338970184, 38.1155563954963)
CATANIA = (15.087267458438873, 37.50266842333162)


def fill(client):
    client.geoadd("g", (13.361389, 38.115556, "Palermo", 15.087269, 37.502669, "Catania"))


def check_places(on):
    c = on.client
    fill(c)
    equal(c.geoadd("g", (13.583333, 37.316667, "Agrigento"), nx=True), 1, "geoadd nx")
    equal(c.geoadd("g", (13.5, 37.3, "Agrigento"), xx=True, ch=True), 1, "geoadd xx ch")
    equal(c.geodist("g", "Palermo", "Catania"), 166274.1516, "geodist")
    equal(c.geodist("g", "Palermo", "Catania", "km"), 166.2742, "geodist in km")
    equal(c.geodist("g", "Palermo", "none"), None, "geodist to nowhere")
    names = ["sqc8b49rny0", "sqdtr74hyu0"]
    equal(c.geohash("g", "Palermo", "Catania"), on.by_protocol(names, [name.encode() for name in names]), "geohash")
    pair = tuple if on.protocol == 2 else list
    equal(c.geopos("g", "Palermo", "none"), [pair(PALERMO), None], "geopos")
    equal(c.type("g"), b"zset", "type")
    refused(lambda: c.geoadd("g", (200, 0, "x")), "invalid longitude,latitude pair", "a place beyond the earth")


def check_search(on):
    c = on.client
    fill(c)
    center = {"longitude": 15, "latitude": 37, "unit": "km"}
    equal(c.geosearch("g", radius=200, sort="ASC", **center), [b"Catania", b"Palermo"], "geosearch")
    equal(c.geosearch("g", radius=200, sort="DESC", count=1, **center), [b"Palermo"], "geosearch of one")
    equal(c.geosearch("g", width=200, height=200, **center), [b"Catania"], "geosearch in a box")
    equal(c.geosearch("g", member="Palermo", radius=1, unit="m"), [b"Palermo"], "geosearch around a member")
    found = c.geosearch("g", radius=100, withdist=True, withcoord=True, withhash=True, **center)
    equal(found, [[b"Catania", 56.4413, 3479447370796909, CATANIA]], "geosearch with everything")
    equal(c.geosearchstore("to", "g", radius=200, **center), 2, "geosearchstore")
    equal(c.geosearchstore("distances", "g", radius=100, storedist=True, **center), 1, "geosearchstore of distances")
    equal(round(c.zscore("distances", "Catania"), 4), 56.4413, "the distance")
    equal(c.zrange("to", 0, -1), [b"Palermo", b"Catania"], "what was stored")


def check_older_search(on):
    c = on.client
    fill(c)
    near = c.georadius("g", 15, 37, 200, unit="km", withdist=True, sort="ASC")
    equal(near, [[b"Catania", 56.4413], [b"Palermo", 190.4424]], "georadius")
    equal(c.georadiusbymember("g", "Palermo", 100, unit="km"), [b"Palermo"], "georadiusbymember")
    equal(c.georadius("g", 15, 37, 100, unit="km", store="to"), 1, "georadius with store")
    equal(c.zrange("to", 0, -1), [b"Catania"], "what it stored")
