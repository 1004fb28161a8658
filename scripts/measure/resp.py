"""A small RESP2 client: enough to ask a server things and to load it through a pipeline."""

import itertools
import socket


# What follows a reply that is not looked at; unlikely in any.
END_OF_SKIPPED = b"<<end of skipped reply>>"


class ReplyError(Exception):
    """An error that the server replied with, such as `ERR syntax error`."""


def encode(*arguments):
    """One request as bytes. Arguments may be bytes, str or int."""
    parts = [b"*%d\r\n" % len(arguments)]
    for argument in arguments:
        if not isinstance(argument, bytes):
            argument = str(argument).encode()
        parts.append(b"$%d\r\n%s\r\n" % (len(argument), argument))
    return b"".join(parts)


class Client:
    """One blocking connection."""

    def __init__(self, port, host="127.0.0.1", timeout=60.0):
        self.socket = socket.create_connection((host, port), timeout=timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.reader = self.socket.makefile("rb", buffering=1 << 16)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.reader.close()
        self.socket.close()

    def call(self, *arguments):
        """Sends one request and returns its reply; raises ReplyError on an error reply."""
        self.socket.sendall(encode(*arguments))
        return self.read_reply()

    def read_reply(self):
        line = self.reader.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionError("the server closed the connection")
        kind, rest = line[:1], line[1:-2]
        if kind == b"+":
            return rest
        if kind == b"-":
            raise ReplyError(rest.decode(errors="replace"))
        if kind == b":":
            return int(rest)
        if kind == b"$":
            size = int(rest)
            return None if size < 0 else self.reader.read(size + 2)[:-2]
        if kind == b"*":
            size = int(rest)
            return None if size < 0 else [self.read_reply() for _ in range(size)]
        raise ReplyError(f"not RESP2: {line!r}")

    def skip(self, *arguments):
        """Sends one request and reads its reply without keeping it; raises ReplyError on an error reply."""
        end = b"$%d\r\n%s\r\n" % (len(END_OF_SKIPPED), END_OF_SKIPPED)
        self.socket.sendall(encode(*arguments) + encode("ECHO", END_OF_SKIPPED))
        first = tail = b""
        while not tail.endswith(end):
            part = self.reader.read1(1 << 20)
            if not part:
                raise ConnectionError("the server closed the connection")
            first = first or part
            tail = (tail + part)[-len(end) :]
        if first[:1] == b"-":
            raise ReplyError(first.split(b"\r\n")[0][1:].decode(errors="replace"))

    def load(self, chunks):
        """Sends chunks of (requests, how many), each answered by one line, and awaits the replies.

        One chunk is in flight while the next is made, so neither side's socket buffer fills up.
        Returns how many requests were sent; raises ReplyError if any was refused.
        """
        sent = 0
        pending = 0
        for payload, requests in chunks:
            self.socket.sendall(payload)
            self._expect_lines(pending)
            pending = requests
            sent += requests
        self._expect_lines(pending)
        return sent

    def _expect_lines(self, count):
        for _ in range(count):
            line = self.reader.readline()
            if not line.endswith(b"\r\n"):
                raise ConnectionError("the server closed the connection while loading")
            if line[:1] == b"-":
                raise ReplyError(line[1:-2].decode(errors="replace"))


def set_chunks(count, value, key="key:%012d", options=(), chunk=2000):
    """Chunks for Client.load: SET of `count` keys. `value` is bytes, or a function of the index."""
    tail = b"".join(b"$%d\r\n%s\r\n" % (len(option), option) for option in options)
    head = b"*%d\r\n$3\r\nSET\r\n" % (3 + len(options))
    for begin in range(0, count, chunk):
        end = min(begin + chunk, count)
        parts = []
        for index in range(begin, end):
            name = (key % index).encode()
            content = value if isinstance(value, bytes) else value(index)
            parts.append(b"%s$%d\r\n%s\r\n$%d\r\n%s\r\n%s" % (head, len(name), name, len(content), content, tail))
        yield b"".join(parts), end - begin


def chunks_of(requests, chunk=2000):
    """Chunks for Client.load of requests given as sequences of arguments, each answered by one line."""
    requests = iter(requests)
    while batch := list(itertools.islice(requests, chunk)):
        yield b"".join(encode(*request) for request in batch), len(batch)


def adding(command, count, element, head=(), per_request=100):
    """Chunks that add elements 0..count to one key with `command`, `element(n)` giving the arguments of each."""

    def request(begin):
        indices = range(begin, min(begin + per_request, count))
        return command, *head, *(argument for index in indices for argument in element(index))

    return chunks_of((request(begin) for begin in range(0, count, per_request)), chunk=50)
