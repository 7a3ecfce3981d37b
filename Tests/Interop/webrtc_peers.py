#!/usr/bin/env python3
"""Runs the tests in the folder webrtc: our WebRTC peer against Chromium, aiortc and itself, each as offerer and as answerer.

    webrtc_peers.py PEER_TOOL FOLDER [argument for pytest…]

PEER_TOOL speaks the line protocol of webrtc/PROTOCOL.md; a name that ends with .py is run by Python. The tests of bad
paths run where `udp-relay` lies beside it, and are skipped elsewhere. FOLDER keeps the virtual environment between
runs. Everything happens in a network namespace with nothing but the loopback interface.
The last line counts: `N passed, N failed, N skipped`.
"""

import os
import pathlib
import sys
import tempfile

from browser.run import NETWORK, SELENIUM, obstacle
from suites import make_environment, run_pytest

HERE = pathlib.Path(__file__).resolve().parent
AIORTC = "aiortc==1.16.0"
# How long all tests together may take, in seconds: two cores that have nothing else to do take half of it.
LONGEST = 2400


def main():
    tool, folder, *arguments = sys.argv[1:]
    reason = obstacle()
    if reason is not None:
        print(f"Skipped: WebRTC peers, because {reason}")
        print("0 passed, 0 failed, 1 skipped")
        return 0
    folder = pathlib.Path(folder).resolve()
    python, _ = make_environment(folder, [SELENIUM, AIORTC])
    environment = {"PEER_TOOL": os.path.abspath(tool), "no_proxy": "*", "SE_OFFLINE": "true"}
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        counts = run_pytest(
            "webrtc", python, ["-o", "python_files=*_test.py", *(arguments or ["."])], HERE / "webrtc", environment,
            pathlib.Path(scratch) / "report.xml", LONGEST, prefix=NETWORK,
        )
    print(f"{counts[0]} passed, {counts[1]} failed, {counts[2]} skipped")
    return 1 if counts[1] else 0


if __name__ == "__main__":
    sys.exit(main())
