"""How connections come about, and what they bear."""

import uuid

import pytest

MEBIBYTE = 1 << 20


@pytest.mark.parametrize("hides_addresses", [False, True], ids=["plain", "hidden"])
@pytest.mark.parametrize("other_name", ["chromium", "itself"], indirect=True)
def test_candidates_trickle_and_names_that_hide_addresses_do_no_harm(connection, other_name, hides_addresses):
    if not all("trickle" in peer.ask("about")["can"] for peer in (connection.a, connection.b)):
        pytest.skip("a peer does not trickle")
    connection.prepare(trickle=True)
    connection.negotiate()
    ends = set()
    # Both ways in turn, until each has told that there are no more.
    while len(ends) < 2:
        for sender, receiver in ((connection.a, connection.b), (connection.b, connection.a)):
            if sender in ends:
                continue
            event = sender.event("candidate")
            text = event["candidate"]
            if text == "":
                ends.add(sender)
            elif hides_addresses and sender is connection.other:
                # As browsers do for pages that may not use the microphone.
                text = text.replace("127.0.0.1", f"{uuid.uuid4()}.local")
            receiver.ask("candidate", candidate=text, mid=event["mid"], index=event["index"])
    connection.wait_open()
    connection.exchange(connection.ours, 10)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_connections_come_about_where_a_fifth_of_the_packets_is_lost(connect_over_relay, seed):
    connection = connect_over_relay("--loss", 20, "--delay-ms", 10, "--seed", seed)
    connection.relay.command("loss 0")
    connection.exchange(connection.ours, 10)


def test_transfers_are_exact_on_a_bad_path(connect_over_relay):
    connection = connect_over_relay(
        "--loss", 5, "--reorder", 2, "--duplicate", 2, "--delay-ms", 5, "--jitter-ms", 5, "--seed", 4)
    connection.exchange(connection.ours, 200)
    for sender in (connection.ours, connection.other):
        connection.pump(sender, 16384, 2 * MEBIBYTE)


def test_a_transfer_survives_ten_seconds_of_partition(connect_over_relay):
    connection = connect_over_relay("--delay-ms", 5, "--rate-mbit", 16, "--queue", 100)
    answers = connection.start_pump(connection.ours, 16384, 6 * MEBIBYTE)
    connection.relay.command("partition on")
    # The length of the partition is what is tested; nothing is waited for here.
    partition = 10
    with pytest.raises(Exception, match="no answer"):
        answers[0].result(partition)
    connection.relay.command("partition off")
    connection.finish_pump(connection.ours, answers, 90)
    connection.exchange(connection.ours, 10)


@pytest.mark.parametrize("other_name", ["itself"], indirect=True)
@pytest.mark.parametrize("role", ["offers"], indirect=True)
def test_five_hundred_connections_leave_memory_descriptors_and_threads_as_they_were(connection):
    peers = (connection.a, connection.b)

    def cycle(count):
        for _ in range(count):
            connection.connect()
            connection.exchange(connection.ours, 10)
            connection.close()
        return [peer.resources() for peer in peers]

    before = cycle(100)
    after = cycle(400)
    for early, late in zip(before, after):
        assert late["descriptors"] <= early["descriptors"]
        # The pools of Swift and GLib have some threads more at one moment than at another; a leak would be hundreds.
        assert late["threads"] <= early["threads"] + 4
        # 400 connections that left 16 KiB each would be 6.4 MiB.
        assert late["residentBytes"] - early["residentBytes"] < 6 * MEBIBYTE
