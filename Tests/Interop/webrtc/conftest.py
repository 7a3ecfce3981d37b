"""What the tests of WebRTC peers share: our peer, another one, and a connection between them."""

import contextlib
import os
import pathlib
import sys

import pytest

from page_peer import PagePeer
from peers import ProcessPeer
from relay import Relay

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "browser"))

from chromium import Chromium  # noqa: E402

# The peer under test, and the relay that is built beside it.
TOOL = os.environ["PEER_TOOL"]
RELAY = pathlib.Path(TOOL).with_name("udp-relay")
OTHERS = ("chromium", "aiortc", "itself")
ADDRESS = "127.0.0.1"


def command(program):
    """How a program is started."""
    return [sys.executable, str(program)] if str(program).endswith(".py") else [str(program)]


@pytest.fixture(scope="session")
def chromium():
    with Chromium() as chromium:
        # A page sees the addresses of the machine where it may use the microphone.
        chromium.driver.execute_cdp_cmd("Browser.grantPermissions", {"permissions": ["audioCapture"]})
        yield chromium


@pytest.fixture(params=OTHERS)
def other_name(request):
    """Who the other peer is."""
    return request.param


@pytest.fixture(params=("offers", "answers"))
def role(request):
    """What our peer does."""
    return request.param


@pytest.fixture
def ours():
    with ProcessPeer(command(TOOL), "ours") as peer:
        yield peer


@pytest.fixture
def other(other_name, request):
    """The other peer."""
    if other_name == "chromium":
        pages = []
        chromium = request.getfixturevalue("chromium")
        peer = PagePeer(lambda url: pages.append(chromium.open(url)), lambda: pages[0].close(), "chromium")
    else:
        peer = ProcessPeer(command(HERE / "aiortc_peer.py" if other_name == "aiortc" else TOOL), other_name)
    with peer:
        yield peer


class Connection:
    """A connection between our peer and another.

    `a` offers and `b` answers. There are two channels that `a` opens: `echo` and `sink`, which do what they are called.
    """

    def __init__(self, ours, other, role, relay=None):
        self.ours, self.other = ours, other
        self.a, self.b = (ours, other) if role == "offers" else (other, ours)
        self.largest = min(peer.ask("about")["largest"] for peer in (ours, other))
        self.relay = relay

    def prepare(self, **options):
        """Makes both connections, with the channels that every test uses."""
        for peer in (self.a, self.b):
            peer.ask("create", address=ADDRESS, **options)
        self.open(self.a, "echo", protocol="echo")
        self.open(self.a, "sink", protocol="sink")

    @staticmethod
    def open(peer, label, **options):
        peer.ask("open", label=label, **options)

    def negotiate(self):
        """Carries the descriptions over, by way of the relay if there is one."""
        offer = self.a.ask("offer")["sdp"]
        answer = self.b.ask("answer", sdp=self.relay.rewritten(offer, self.relay.for_b) if self.relay else offer)["sdp"]
        self.a.ask("accept", sdp=self.relay.rewritten(answer, self.relay.for_a) if self.relay else answer)

    def wait_open(self, longest=60):
        for peer in (self.a, self.b):
            for label in ("echo", "sink"):
                peer.event("open", longest=longest, label=label)

    def connect(self, **options):
        """Does all of the above."""
        self.prepare(**options)
        self.negotiate()
        self.wait_open()
        return self

    def close(self):
        for peer in (self.a, self.b):
            peer.ask("close")

    def exchange(self, peer, count, longest=300):
        """Has the peer send messages that come back, and be compared."""
        result = peer.ask("exchange", longest=longest, label="echo", count=count, largest=self.largest)
        assert result["messages"] == count

    def pump(self, sender, size, total, longest=600):
        """Pumps bytes from one to the other, and compares what was sent and what has come in."""
        self.finish_pump(sender, self.start_pump(sender, size, total), longest)

    def start_pump(self, sender, size, total):
        receiver = self.a if sender is self.b else self.b
        return receiver.start("received", label="sink", bytes=total), sender.start("pump", label="sink", bytes=total, size=size)

    def finish_pump(self, sender, answers, longest=600):
        received, sent = (answer.result(longest) for answer in answers)
        for key in ("messages", "bytes", "crc32"):
            assert received[key] == sent[key], (key, sender.name)


@pytest.fixture
def connection(ours, other, role):
    """A connection that is not begun yet."""
    return Connection(ours, other, role)


@pytest.fixture
def connect_over_relay(ours, other):
    """Connects over a path with the settings given, our peer offering, and returns the connection."""
    if not RELAY.exists():
        pytest.skip("there is no udp-relay beside the peer")
    with contextlib.ExitStack() as stack:

        def connect(*settings, longest=60, **options):
            relay = stack.enter_context(Relay(RELAY, settings))
            connection = Connection(ours, other, "offers", relay)
            connection.prepare(**options)
            connection.negotiate()
            connection.wait_open(longest)
            return connection

        yield connect
