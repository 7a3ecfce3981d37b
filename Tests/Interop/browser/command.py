"""`peerpouch` as a person runs it in a terminal beside the browser."""

import os
import subprocess

from peer_process import PeerProcess


class Terminal:
    """Commands of one person: with an identity of their own, and a hub."""

    def __init__(self, home, hub):
        self.environment = dict(
            os.environ, PEERPOUCH_HOME=str(home), PEERPOUCH_HUB=hub, PEERPOUCH_ADDRESSES="127.0.0.1")
        self.started = []

    def start(self, *arguments):
        """Starts a command that goes on; its lines are waited for."""
        self.started.append(PeerProcess(os.environ["PEERPOUCH"], *map(str, arguments), environment=self.environment))
        return self.started[-1]

    def run(self, *arguments, text=None):
        """Runs a command to its end, and returns what it prints."""
        outcome = subprocess.run(
            [os.environ["PEERPOUCH"], *map(str, arguments)], env=self.environment, input=text, capture_output=True, text=True,
            timeout=120, check=False)
        assert outcome.returncode == 0, outcome.stderr
        return outcome.stdout

    def close(self):
        for process in self.started:
            process.kill()
