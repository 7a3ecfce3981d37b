"""Data channels between our peer and others: opened, filled, and closed from both sides."""

import pytest

from peers import PeerError

MEBIBYTE = 1 << 20


def test_channels_of_every_kind_open_from_both_sides_with_what_was_asked_for(connection):
    connection.prepare()
    kinds = {
        "plain": {},
        "unordered": {"ordered": False},
        "three tries": {"maxRetransmits": 3},
        "half a second": {"maxPacketLifeTime": 500, "ordered": False},
        "zwölf 🥊": {"protocol": "пример"},
    }

    def kinds_of(opener):
        """aiortc 1.16 counts characters where it should count bytes, so that it cannot open the last."""
        is_aiortc = opener.ask("about")["name"].startswith("aiortc")
        return {label: options for label, options in kinds.items() if label.isascii() or not is_aiortc}

    for label, options in kinds_of(connection.a).items():
        connection.open(connection.a, label, **options)
    for peer in (connection.a, connection.b):
        connection.open(peer, "agreed", negotiated=True, number=100, protocol="echo")
    connection.negotiate()
    connection.wait_open()
    for label, options in kinds_of(connection.b).items():
        connection.open(connection.b, f"back: {label}", **options)

    for opener, acceptor, prefix in ((connection.a, connection.b, ""), (connection.b, connection.a, "back: ")):
        for label, options in kinds_of(opener).items():
            events = [peer.event("open", label=prefix + label) for peer in (opener, acceptor)]
            wanted = {"protocol": "", "ordered": True, "maxRetransmits": None, "maxPacketLifeTime": None, **options}
            for event, is_incoming in zip(events, (False, True)):
                assert wanted.items() <= event.items()
                assert event["incoming"] == is_incoming
            assert events[0]["number"] == events[1]["number"]
    for peer in (connection.a, connection.b):
        event = peer.event("open", label="agreed")
        assert (event["number"], event["incoming"]) == (100, False)
    assert connection.a.ask("exchange", label="agreed", count=20, largest=1000)["messages"] == 20


def test_messages_of_every_size_come_back_as_they_were(connection):
    connection.connect()
    connection.exchange(connection.ours, 10_000)
    connection.exchange(connection.other, 1_000)
    connection.close()


def test_messages_that_nobody_asked_for_are_told_as_they_were(connection):
    connection.connect()
    connection.open(connection.a, "talk")
    for peer in (connection.a, connection.b):
        peer.event("open", label="talk")
    for sender, receiver in ((connection.a, connection.b), (connection.b, connection.a)):
        for content in ({"text": "grüß dich, 世界"}, {"text": ""}, {"base64": "AP+A"}, {"base64": ""}):
            sender.ask("send", label="talk", **content)
            assert receiver.event("message", label="talk") == {"event": "message", "label": "talk", **content}


def test_much_data_passes_one_way_then_the_other(connection, other_name):
    connection.connect()
    total = (64 if other_name == "aiortc" else 1024) * MEBIBYTE
    if connection.a is connection.other:
        # All of it where our peer offers; where it answers, enough to see that it is the same.
        total //= 16
    connection.pump(connection.ours, 65536, total + 1)
    connection.pump(connection.other, 16384, total + 1)


def test_data_passes_both_ways_at_once(connection, other_name):
    connection.connect()
    total = (8 if other_name == "aiortc" else 64) * MEBIBYTE
    pumps = [(peer, connection.start_pump(peer, 65536, total)) for peer in (connection.a, connection.b)]
    connection.exchange(connection.ours, 200)
    for peer, answers in pumps:
        connection.finish_pump(peer, answers)


def test_a_message_longer_than_the_other_takes_is_refused_and_the_channel_goes_on(connection):
    connection.connect()
    with pytest.raises(PeerError):
        connection.ours.ask("send", label="echo", text="x" * (4 * MEBIBYTE))
    connection.exchange(connection.ours, 10)


@pytest.mark.parametrize("closer", ["a", "b"])
def test_a_channel_that_one_closes_is_closed_for_both_after_what_was_sent(connection, closer):
    connection.connect()
    first, second = (connection.a, connection.b) if closer == "a" else (connection.b, connection.a)
    received, sent = connection.start_pump(first, 16384, MEBIBYTE)
    digest = sent.result()["crc32"]
    first.ask("closeChannel", label="sink")
    assert received.result()["crc32"] == digest
    for peer in (first, second):
        peer.event("closed", label="sink")
    # The other channel goes on, and the number of the closed one may be used again.
    connection.exchange(connection.ours, 10)
    connection.open(first, "sink again", protocol="sink")
    for peer in (first, second):
        peer.event("open", label="sink again")


@pytest.mark.parametrize("closer", ["a", "b"])
def test_a_connection_that_one_closes_ends_every_channel_of_the_other(connection, closer):
    connection.connect()
    first, second = (connection.a, connection.b) if closer == "a" else (connection.b, connection.a)
    first.ask("close")
    for label in ("echo", "sink"):
        second.event("closed", label=label)
    second.ask("close")


def test_the_same_peers_connect_again_and_again(connection):
    for _ in range(10):
        connection.connect()
        connection.exchange(connection.ours, 20)
        connection.close()
