"""`peerpouch serve` as tests run it."""

import re
import subprocess
import tempfile


class Server:
    """`peerpouch serve` on a port that was free, with databases of its own.

    It can be killed and started again, and then is the same server to its clients.
    """

    def __init__(self, executable, options):
        self.executable = executable
        self.options = list(options)
        self.data = tempfile.TemporaryDirectory(prefix="peerpouch-interop-")
        self.process = None
        self.host, self.port = "127.0.0.1", 0
        self.start()

    def start(self):
        """Starts the server, and returns when it listens."""
        self.process = subprocess.Popen(
            [self.executable, "serve", "--port", str(self.port), "--data", self.data.name, *self.options],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )
        line = self.process.stdout.readline()
        address = re.search(r"http://([0-9.]+):(\d+)", line)
        if address is None:
            raise RuntimeError(f"The server did not say where it listens: {line!r}")
        self.host, self.port = address.group(1), int(address.group(2))
        # The console's address, with its token if the server has one.
        self.console = self.process.stdout.readline().removeprefix("Console: ").strip()

    def kill(self):
        """Ends the server as a power cut would."""
        self.process.kill()
        self.process.wait(timeout=30)
        self.process.stdout.close()

    def stop(self):
        """Asks the server to end, waits for it, and removes its databases."""
        self.process.terminate()
        self.process.wait(timeout=30)
        self.process.stdout.close()
        self.data.cleanup()

    def url(self, credentials=None):
        """Its address, without a slash at the end; with a name and a password in it if they are given."""
        name = f"{credentials[0]}:{credentials[1]}@" if credentials else ""
        return f"http://{name}{self.host}:{self.port}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
