"""Peers that speak the line protocol of PROTOCOL.md, as tests use them.

    with ProcessPeer(["RTCTool"]) as ours, ProcessPeer([python, "aiortc_peer.py"]) as theirs:
        ours.ask("create")
        pumping = ours.start("pump", label="x", bytes=1000, size=10)
        theirs.event("open", label="x")
        pumping.result()
"""

import json
import pathlib
import subprocess
import threading
import time

# How long an answer or an event is waited for, in seconds, unless the test says another time.
LONGEST_WAIT = 60


class PeerError(Exception):
    """What a peer answered instead of a result, or that it does not answer."""


class Answer:
    """The answer to come to a request."""

    def __init__(self, peer, request):
        self.peer, self.request = peer, request
        self.done = threading.Event()
        self.message = None

    def result(self, longest=LONGEST_WAIT):
        """Waits for the answer, and returns its result. Raises `PeerError` if it is an error, or does not come."""
        if not self.done.wait(longest):
            raise PeerError(f"{self.peer.name}: no answer in {longest} s to {self.request}; {self.peer.events}")
        if "error" in self.message:
            raise PeerError(f"{self.peer.name}: {self.message['error']} (asked {self.request})")
        return self.message["result"]


class Peer:
    """A peer; how lines get there and back is told by subclasses, which call `take` with each that comes."""

    def __init__(self, name):
        self.name = name
        # All events so far that nobody has asked for.
        self.events = []
        self.answers = {}
        self.count = 0
        self.condition = threading.Condition()
        self.is_gone = False

    def send_line(self, line):
        raise NotImplementedError

    def take(self, line):
        """Takes one line of the peer, on any thread."""
        message = json.loads(line)
        with self.condition:
            if "event" in message:
                self.events.append(message)
                self.condition.notify_all()
            else:
                answer = self.answers.pop(message["id"])
                answer.message = message
                answer.done.set()

    def gone(self):
        """Tells that no line will come any more."""
        with self.condition:
            self.is_gone = True
            for answer in self.answers.values():
                answer.message = {"error": "the peer is gone"}
                answer.done.set()
            self.condition.notify_all()

    def start(self, verb, **members):
        """Sends a request, and returns its answer to come."""
        with self.condition:
            self.count += 1
            request = {"id": self.count, "do": verb, **members}
            answer = self.answers[self.count] = Answer(self, {**request, "sdp": "…"} if "sdp" in request else request)
        self.send_line(json.dumps(request))
        return answer

    def ask(self, verb, longest=LONGEST_WAIT, **members):
        """Sends a request, and returns its result."""
        return self.start(verb, **members).result(longest)

    def event(self, kind, longest=LONGEST_WAIT, **members):
        """Waits for an event with these members, and returns it. Each is given once."""
        wanted = {"event": kind, **members}
        deadline = time.monotonic() + longest
        with self.condition:
            while True:
                for position, event in enumerate(self.events):
                    if wanted.items() <= event.items():
                        return self.events.pop(position)
                left = deadline - time.monotonic()
                if left <= 0 or self.is_gone:
                    raise PeerError(f"{self.name}: no event {wanted} {'any more' if self.is_gone else ''}: {self.events}")
                self.condition.wait(left)

    def close(self):
        raise NotImplementedError

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class ProcessPeer(Peer):
    """A peer that is a program."""

    def __init__(self, command, name=None):
        super().__init__(name or command[-1])
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8")
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            self.take(line)
        self.gone()

    def send_line(self, line):
        try:
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            raise PeerError(f"{self.name} has ended with status {self.process.wait()}") from None

    def resources(self):
        """What the program holds of the system (Linux only): `descriptors`, `threads`, `residentBytes`."""
        folder = pathlib.Path("/proc", str(self.process.pid))
        status = dict(line.split(":", 1) for line in (folder / "status").read_text().splitlines())
        return {
            "descriptors": len(list((folder / "fd").iterdir())), "threads": int(status["Threads"]),
            "residentBytes": int(status["VmRSS"].split()[0]) * 1024,
        }

    def close(self):
        """Ends the input. Raises `PeerError` if the program does not end well."""
        self.process.stdin.close()
        try:
            status = self.process.wait(LONGEST_WAIT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise PeerError(f"{self.name} does not end") from None
        if status != 0:
            raise PeerError(f"{self.name} ended with status {status}")
        self.reader.join()
        self.process.stdout.close()
