"""Messages over a socket pair, and what a line is put through."""

from __future__ import annotations

import json
import os
import socket
import threading
import tracemalloc
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pepperpy_reload.supervising.channel import Channel, Message

PATIENCE = 10.0


@pytest.fixture
def ends() -> Iterator[tuple[Channel, socket.socket]]:
    channel, other = Channel.pair()
    other.settimeout(PATIENCE)
    yield channel, other
    channel.close()
    other.close()


def test_messages_come_in_the_order_in_which_they_were_sent(ends: tuple[Channel, socket.socket]) -> None:
    channel, other = ends
    peer = Channel(other)
    for number in range(100):
        assert peer.send({"n": number})
    assert [next(channel.messages())["n"] for _ in range(100)] == list(range(100))


def test_a_line_may_come_in_pieces_and_several_at_once(ends: tuple[Channel, socket.socket]) -> None:
    channel, other = ends
    for piece in (b'{"a"', b":1", b'}\n{"b":2}\n{"c"', b":3}\n"):
        other.sendall(piece)
    assert [next(channel.messages()) for _ in range(3)] == [{"a": 1}, {"b": 2}, {"c": 3}]


def test_half_a_line_and_what_is_no_object_are_left_out(ends: tuple[Channel, socket.socket]) -> None:
    channel, other = ends
    other.sendall(b'nonsense\n[1]\n\xff\xfe\n{"ok":true}\n{"half')
    other.close()
    assert list(channel.messages()) == [{"ok": True}]


def test_a_message_larger_than_the_socket_takes(ends: tuple[Channel, socket.socket]) -> None:
    channel, other = ends
    text = "x" * 5_000_000
    peer = Channel(other)
    sender = threading.Thread(target=peer.send, args=({"text": text},))
    sender.start()
    assert next(channel.messages())["text"] == text
    sender.join(PATIENCE)


def test_names_that_are_not_text_cross_unharmed(ends: tuple[Channel, socket.socket]) -> None:
    channel, other = ends
    path = "/tmp/naïve \udcff\u2028.py"
    Channel(other).send({"path": path})
    assert next(channel.messages()) == {"path": path}


def test_sending_to_nobody_is_no_error(ends: tuple[Channel, socket.socket]) -> None:
    channel, other = ends
    other.close()
    assert not channel.send({"type": "ready"})
    channel.post({"type": "quiet"})
    assert list(channel.messages()) == []


def test_posting_never_waits_for_a_reader_that_does_not_read(ends: tuple[Channel, socket.socket]) -> None:
    channel, other = ends
    text = "x" * 1_000_000
    for number in range(20):
        channel.post({"n": number, "text": text})
    received = (json.loads(line) for line in other.makefile("rb"))
    assert [next(received)["n"] for _ in range(20)] == list(range(20))


def test_lines_stay_whole_and_posted_ones_in_their_order_while_others_send(ends: tuple[Channel, socket.socket]) -> None:
    channel, other = ends
    sizes = [10, 300_000, 5, 70_000] * 20  # what fits, what does only in part, and what finds the socket full
    numbered = list(enumerate(sizes))

    def send() -> None:
        for number, size in numbered:
            assert channel.send({"sent": number, "text": "s" * size})

    sender = threading.Thread(target=send)
    sender.start()
    for number, size in numbered:
        channel.post({"posted": number, "text": "p" * size})
    lines = other.makefile("rb")
    received = [json.loads(next(lines)) for _ in range(2 * len(sizes))]
    sender.join()
    for kind in ("sent", "posted"):
        found = [(one[kind], len(one["text"])) for one in received if kind in one]
        assert found == numbered


def test_a_listener_is_told_of_every_message_and_of_the_end(ends: tuple[Channel, socket.socket]) -> None:
    channel, other = ends
    heard: list[Message] = []
    ended = threading.Event()
    other.sendall(b'{"n":1}\n')
    assert next(channel.messages()) == {"n": 1}
    reader = channel.listen(heard.append, ended.set)
    other.sendall(b'{"n":2}\n{"n":3}\n')
    other.close()
    assert ended.wait(PATIENCE)
    reader.join(PATIENCE)
    assert heard == [{"n": 2}, {"n": 3}]


def test_who_does_not_listen_yet_hears_messages_with_descriptors(ends: tuple[Channel, socket.socket]) -> None:
    channel, other = ends
    peer = Channel(other)
    read, write = os.pipe()
    try:
        for message, passed in (({"n": 1}, ()), ({"n": 2}, (read, write)), ({"n": 3}, ())):
            assert peer.send_with(message, passed)
        heard = [channel.hear(), channel.hear()]
        assert [message for message, _ in heard] == [{"n": 1}, {"n": 2}]
        ours = [descriptor for _, descriptors in heard for descriptor in descriptors]
        assert not any(map(os.get_inheritable, ours))
        os.write(ours[1], b"through")
        assert os.read(ours[0], 10) == b"through"
        assert next(channel.messages()) == {"n": 3}, "what was read too early is not lost"
        other.shutdown(socket.SHUT_RDWR)
        assert channel.hear() == (None, [])
    finally:
        for descriptor in (read, write, *ours):
            os.close(descriptor)


def test_closing_wakes_our_own_listener() -> None:
    channel, other = Channel.pair()
    ended = threading.Event()
    reader = channel.listen(lambda message: None, ended.set)
    channel.close()
    assert ended.wait(PATIENCE)
    reader.join(PATIENCE)
    other.close()


GARBAGE = [b"{", b"[1]", b"null", b"\xff\x00", b'{"a":', b"[" * 200_000, b'{"a":' * 100_000, b"9" * 10_000, b"\x1b[2J"]


@given(st.lists(st.one_of(st.sampled_from(GARBAGE), st.binary().map(lambda text: text.replace(b"\n", b"")), st.none())))
@settings(deadline=None)
def test_garbage_between_messages_takes_none_of_them_away(lines: list[bytes | None]) -> None:
    channel, theirs = Channel.pair()
    sent = [b'{"number":%d}' % number if line is None else line for number, line in enumerate(lines)]

    def write() -> None:
        with theirs:
            theirs.sendall(b"".join(line + b"\n" for line in sent))

    writer = threading.Thread(target=write)
    writer.start()
    seen = [message["number"] for message in channel.messages() if message.keys() == {"number"}]
    writer.join()
    channel.close()
    assert seen == [number for number, line in enumerate(lines) if line is None]


def test_a_line_without_an_end_is_not_kept(ends: tuple[Channel, socket.socket]) -> None:
    ours, theirs = ends

    def write() -> None:
        for _ in range(40):
            theirs.sendall(b"x" * (1 << 20))
        theirs.sendall(b'\n{"type":"last"}\n')
        theirs.close()

    writer = threading.Thread(target=write)
    writer.start()
    tracemalloc.start()
    try:
        assert list(ours.messages()) == [{"type": "last"}]
        assert tracemalloc.get_traced_memory()[1] < 25_000_000
    finally:
        tracemalloc.stop()
        writer.join()
