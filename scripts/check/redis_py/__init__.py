"""Every family of data types through redis-py, in RESP2 and RESP3.

A check is a function `check_NAME(on)` of one of the modules; `on` is the server in one protocol. What redis-py gives
for the same reply often depends on the protocol (a list of pairs, or of their members; a tuple, or a list): such
expectations say both, through `Server.by_protocol`.
"""

import functools
import threading

import redis

from ..holding import eventually, expect
from . import basics, bits, geo, hashes, keys, lists, sets, sorted_sets, streams

MODULES = (basics, lists, hashes, sets, sorted_sets, streams, bits, geo, keys)
# A blocked call ends when it is served; this only bounds a check on a server that does not serve it.
BLOCK_SECONDS = 30


class Server:
    """A server as redis-py sees it in one protocol, emptied."""

    def __init__(self, port, protocol):
        self.port = port
        self.protocol = protocol
        self.client = self.connect()
        self.client.flushall()
        # Commands that only Redis has are asked of everyone but Valkey.
        self.is_valkey = self.client.info("server").get("server_name") == "valkey"

    def connect(self, **options):
        options.setdefault("socket_timeout", BLOCK_SECONDS)
        return redis.Redis(port=self.port, protocol=self.protocol, **options)

    def by_protocol(self, resp2, resp3):
        return resp2 if self.protocol == 2 else resp3

    def pairs(self, *pairs):
        """Members with their scores, as redis-py gives them: tuples, but lists in RESP3."""
        return [tuple(pair) if self.protocol == 2 else list(pair) for pair in pairs]

    def blocked(self):
        return self.client.info("clients")["blocked_clients"]

    def while_blocked(self, *calls):
        """Runs `calls` in turn while the first is blocked on a connection of its own; gives what that one returned.

        The first is called with a client and must block; each of the others is called without anything.
        """
        outcome = []

        def block():
            with self.connect() as client:
                try:
                    outcome.append((calls[0](client), None))
                except Exception as error:  # whatever it is, it is raised again below
                    outcome.append((None, error))

        before = self.blocked()
        thread = threading.Thread(target=block, daemon=True)
        thread.start()
        eventually(lambda: outcome or self.blocked() > before, "the call blocks")
        expect(not outcome, f"the call did not block: {outcome}")
        for call in calls[1:]:
            call()
        eventually(lambda: outcome, "the blocked call is served", BLOCK_SECONDS)
        value, error = outcome[0]
        if error:
            raise error
        return value


def checks(port):
    """(name, function) of every check, in each protocol."""
    for protocol in (2, 3):
        for module in MODULES:
            family = module.__name__.rpartition(".")[2].replace("_", " ")
            for name, function in vars(module).items():
                if name.startswith("check_"):
                    title = name.removeprefix("check_").replace("_", " ")
                    run = functools.partial(on_server, function, port, protocol)
                    yield f"redis-py RESP{protocol}, {family}: {title}", run


def on_server(function, port, protocol):
    server = Server(port, protocol)
    try:
        function(server)
    finally:
        server.client.close()
