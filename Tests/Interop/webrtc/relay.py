"""The UDP relay of Tests/UDPRelay between two peers."""

import json
import subprocess

# How long the relay may take to end, in seconds.
LONGEST_WAIT = 10


class Relay:
    """A running relay; its peers are those who send first. A sends to `for_a`, B to `for_b`."""

    def __init__(self, executable, settings, host="127.0.0.1"):
        written = f"[{host}]:0" if ":" in host else f"{host}:0"
        self.process = subprocess.Popen(
            [str(executable), written, written, *map(str, settings)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        _, self.for_a, self.for_b = self.process.stdout.readline().split()
        self.statistics = None

    def command(self, line):
        """Sends a command, and returns its answer."""
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    @staticmethod
    def rewritten(sdp, address):
        """The description with this as the only address of who sent it."""
        host, port = address.rsplit(":", 1)
        lines = [line for line in sdp.splitlines() if not line.startswith(("a=candidate:", "a=end-of-candidates"))]
        candidate = f"a=candidate:1 1 udp 2122260223 {host.strip('[]')} {port} typ host"
        return "\r\n".join([*lines, candidate, "a=end-of-candidates", ""])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        output, _ = self.process.communicate(timeout=LONGEST_WAIT)
        self.statistics = json.loads(output.splitlines()[-1])
