"""A peer in Swift as tests run it: `Tests/PeerTool`, which prints a line for whatever happens."""

import queue
import subprocess
import threading

# How long a line may take, in seconds. Far more than any takes.
LONGEST = 60


class PeerProcess:
    """A process whose lines are waited for."""

    def __init__(self, executable, *arguments, environment=None):
        self.process = subprocess.Popen(
            [executable, *arguments], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment)
        self.lines = queue.Queue()
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            self.lines.put(line.rstrip("\n"))
        self.lines.put(None)

    def line(self, beginning):
        """Waits for a line that begins so, and returns what follows the space behind it."""
        while True:
            line = self.lines.get(timeout=LONGEST)
            if line is None:
                raise RuntimeError(f"The peer has ended before it said {beginning!r}.")
            if line == beginning or line.startswith(f"{beginning} "):
                return line[len(beginning) + 1:]

    def kill(self):
        """Ends the peer as a power cut would."""
        self.process.kill()
        self.process.wait(timeout=30)
        self.reader.join(timeout=30)
        self.process.stdout.close()
