#!/usr/bin/env python3
"""Tests the UDP relay of the tests itself, before others trust it.

    test_udp_relay.py UDP_RELAY

The last line counts: `N passed, N failed, N skipped`.
"""

import json
import socket
import statistics
import subprocess
import sys
import time
import unittest

# How long a packet that must come is waited for, in seconds.
LONGEST_WAIT = 10


class Path:
    """Two sockets, A and B, and the relay between them."""

    def __init__(self, *options, host="127.0.0.1", knows_peers=True):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.a, self.b = (socket.socket(family, socket.SOCK_DGRAM) for _ in range(2))
        written = f"[{host}]" if ":" in host else host
        addresses = []
        for end in (self.a, self.b):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
            end.bind((host, 0))
            end.settimeout(LONGEST_WAIT)
            addresses.append(f"{written}:{end.getsockname()[1] if knows_peers else 0}")
        self.process = subprocess.Popen(
            [RELAY, *addresses, *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        listening, self.for_a, self.for_b = self.process.stdout.readline().split()
        assert listening == "listening"
        self.statistics = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Ends the relay, and keeps what it counted."""
        if self.statistics is None:
            output, _ = self.process.communicate(timeout=LONGEST_WAIT)
            self.statistics = json.loads(output.splitlines()[-1])
            assert self.process.returncode == 0
            self.a.close()
            self.b.close()

    def command(self, line):
        """Sends a command, and returns its answer."""
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def send(self, end, data):
        """Sends data from A or B to the other through the relay."""
        address = self.for_a if end is self.a else self.for_b
        host, port = address.rsplit(":", 1)
        end.sendto(data, (host.strip("[]"), int(port)))

    def numbers(self, count):
        """Sends numbers from A to B, and returns what arrives until the last one that can be under way has."""
        for number in range(count):
            self.send(self.a, number.to_bytes(4, "big"))
        # The relay has taken in all of them when it says so, and then has delivered all of them when none is under way.
        self.until(lambda counts: counts["received"] == count and counts["underWay"] == 0)
        arrived = []
        self.b.setblocking(False)
        try:
            while True:
                arrived.append(int.from_bytes(self.b.recv(64), "big"))
        except BlockingIOError:
            self.b.settimeout(LONGEST_WAIT)
            return arrived

    def until(self, condition, direction="aToB"):
        """Asks for the statistics until they are as they must become."""
        deadline = time.monotonic() + LONGEST_WAIT
        while True:
            counts = json.loads(self.command("stats"))[direction]
            if condition(counts):
                return counts
            if time.monotonic() > deadline:
                raise AssertionError(f"the relay stays at {counts}")


class RelayTests(unittest.TestCase):
    """What udp-relay does to packets."""

    def test_packets_of_every_size_pass_both_ways_unchanged(self):
        for host in ("127.0.0.1", "::1"):
            with Path(host=host) as path:
                for size in (0, 1, 1200, 9000, 65000):
                    data = bytes(i * size % 251 for i in range(size))
                    path.send(path.a, data)
                    self.assertEqual(path.b.recv(70000), data)
                    path.send(path.b, data)
                    received, sender = path.a.recvfrom(70000)
                    self.assertEqual(received, data)
                    self.assertEqual(sender[1], int(path.for_a.rsplit(":", 1)[1]))

    def test_the_delay_is_one_way_and_kept(self):
        with Path("--delay-ms", "30") as path:
            times = []
            for _ in range(20):
                start = time.monotonic()
                path.send(path.a, b"there")
                path.b.recv(64)
                path.send(path.b, b"back")
                path.a.recv(64)
                times.append(time.monotonic() - start)
            self.assertGreaterEqual(min(times), 0.060)
            self.assertLess(statistics.median(times), 0.070)

    def test_the_same_seed_loses_the_same_packets_and_another_does_not(self):
        survivors = []
        for seed in ("7", "7", "8"):
            with Path("--loss", "20", "--delay-ms", "1", "--seed", seed) as path:
                survivors.append(path.numbers(2000))
        self.assertEqual(survivors[0], survivors[1])
        self.assertNotEqual(survivors[0], survivors[2])
        for arrived in survivors:
            self.assertEqual(arrived, sorted(arrived))
            self.assertTrue(0.17 < 1 - len(arrived) / 2000 < 0.23, len(arrived))

    def test_other_settings_do_not_change_which_packets_are_lost(self):
        with Path("--loss", "20") as path:
            plain = path.numbers(500)
        with Path("--loss", "20", "--jitter-ms", "3", "--reorder", "10", "--duplicate", "10") as path:
            arrived = path.numbers(500)
        self.assertEqual(plain, sorted(set(arrived)))

    def test_jitter_alone_keeps_the_order(self):
        with Path("--delay-ms", "2", "--jitter-ms", "20") as path:
            self.assertEqual(path.numbers(500), list(range(500)))

    def test_reordered_packets_come_later_and_all_of_them_come(self):
        with Path("--reorder", "10") as path:
            arrived = path.numbers(1000)
        self.assertEqual(sorted(arrived), list(range(1000)))
        self.assertNotEqual(arrived, list(range(1000)))
        self.assertTrue(60 < path.statistics["aToB"]["reordered"] < 140)

    def test_duplicated_packets_come_twice(self):
        with Path("--duplicate", "25") as path:
            arrived = path.numbers(1000)
        self.assertEqual(sorted(set(arrived)), list(range(1000)))
        self.assertEqual(len(arrived) - 1000, path.statistics["aToB"]["copies"])
        self.assertTrue(200 < path.statistics["aToB"]["copies"] < 300)

    def test_a_link_has_its_rate_and_drops_what_its_queue_does_not_hold(self):
        with Path("--rate-mbit", "8", "--queue", "20") as path:
            start = time.monotonic()
            for _ in range(50):
                path.send(path.a, bytes(1000))
            counts = path.until(lambda counts: counts["received"] == 50)
            # One is on the link, 20 wait, and one more may have left it already.
            self.assertTrue(26 <= counts["queue"] <= 29, counts)
            for _ in range(50 - counts["queue"]):
                path.b.recv(2000)
            # Each takes 1 ms.
            self.assertGreaterEqual(time.monotonic() - start, 0.020)

    def test_nothing_passes_a_partition_not_even_what_is_under_way(self):
        with Path("--delay-ms", "200") as path:
            path.send(path.a, b"under way")
            path.until(lambda counts: counts["underWay"] == 1)
            self.assertEqual(path.command("partition on"), "ok")
            path.send(path.a, b"during")
            path.until(lambda counts: counts["partition"] == 2)
            self.assertEqual(path.command("partition off"), "ok")
            path.send(path.a, b"after")
            self.assertEqual(path.b.recv(64), b"after")

    def test_settings_change_on_command_and_wrong_commands_are_answered(self):
        with Path() as path:
            self.assertEqual(path.command("loss 100"), "ok")
            self.assertEqual(path.numbers(100), [])
            self.assertEqual(path.command("loss 0"), "ok")
            path.send(path.a, b"after")
            self.assertEqual(path.b.recv(64), b"after")
            for wrong in ("loss", "loss -1", "loss 101", "loss x", "lose 1", "seed 3", "", "delay 1e9", "loss nan"):
                self.assertTrue(path.command(wrong).startswith("error"), wrong)
            self.assertTrue(path.command("x" * 300).startswith("error"))

    def test_only_the_peers_are_relayed(self):
        with Path() as path, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            host, port = path.for_a.split(":")
            stranger.sendto(b"let me in", (host, int(port)))
            path.until(lambda counts: counts["strangers"] == 1)
            path.send(path.a, b"from A")
            self.assertEqual(path.b.recv(64), b"from A")

    def test_peers_that_are_not_known_yet_are_those_who_send_first(self):
        with Path(knows_peers=False) as path:
            path.send(path.a, b"too early")
            path.until(lambda counts: counts["unaddressed"] == 1)
            path.send(path.b, b"from B")
            self.assertEqual(path.a.recv(64), b"from B")
            path.send(path.a, b"from A")
            self.assertEqual(path.b.recv(64), b"from A")

    def test_a_burst_passes_a_long_path_whole(self):
        with Path("--delay-ms", "300") as path:
            data = bytes(1250)
            for _ in range(5000):
                path.send(path.a, data)
            path.until(lambda counts: counts["received"] == 5000)
            # 5,000 are more than B's buffer holds, so that they are read as they come.
            for _ in range(1000):
                path.b.recv(2000)
            counts = path.until(lambda counts: counts["underWay"] == 0)
            self.assertEqual((counts["delivered"], counts["overflow"], counts["overruns"]), (5000, 0, 0))

    def test_wrong_arguments_end_it_with_an_error(self):
        for arguments in (
            [], ["127.0.0.1:1"], ["localhost:1", "127.0.0.1:2"], ["127.0.0.1:1", "127.0.0.1:2", "--loss"],
            ["127.0.0.1:1", "127.0.0.1:2", "--loss", "x"], ["127.0.0.1:99999", "127.0.0.1:2"],
        ):
            outcome = subprocess.run(
                [RELAY, *arguments], stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=LONGEST_WAIT)
            self.assertEqual(outcome.returncode, 2, arguments)
            self.assertTrue(outcome.stderr, arguments)


def main():
    result = unittest.TextTestRunner(sys.stdout).run(unittest.defaultTestLoader.loadTestsFromTestCase(RelayTests))
    failed = len(result.failures) + len(result.errors)
    for test, _ in result.failures + result.errors:
        print(f"FAILED: UDP relay, {test.id()}")
    print(f"{result.testsRun - failed - len(result.skipped)} passed, {failed} failed, {len(result.skipped)} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    RELAY = sys.argv[1]
    sys.exit(main())
