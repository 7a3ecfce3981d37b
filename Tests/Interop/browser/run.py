#!/usr/bin/env python3
"""Runs the tests in this folder: web pages in a headless Chromium, and `peerpouch`, in a network of their own.

    run.py PEERPOUCH FOLDER [argument for pytest…]

PEERPOUCH is the executable, with PeerTool beside it; FOLDER keeps the virtual environment between runs. The network namespace has nothing but
the loopback interface, so nothing that the tests do reaches anything else, and nothing else reaches them. POUCHDB_JS
names PouchDB's built file, `dist/pouchdb.js` of its release 9; tests that need it are skipped without.
The last line counts: `N passed, N failed, N skipped`.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from suites import make_environment, run_pytest  # noqa: E402

SELENIUM = "selenium==4.40.0"
# How long all tests together may take, in seconds.
LONGEST = 900
# A command that runs the rest of its line where there is nothing but the loopback interface. Who is not root is so there.
NETWORK = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--net"]
NETWORK += ["sh", "-c", 'PATH=$PATH:/usr/sbin:/sbin; ip link set lo up && exec "$@"', "sh"]


def obstacle():
    """Why the tests cannot be run here, or None."""
    for command in "chromium", "chromedriver", "unshare":
        if shutil.which(command) is None:
            return f"there is no {command}"
    attempt = subprocess.run([*NETWORK, "true"], check=False, capture_output=True, text=True)
    if attempt.returncode != 0:
        return f"no network namespace can be made: {attempt.stderr.strip()}"
    return None


def main():
    executable, folder, *arguments = sys.argv[1:]
    reason = obstacle()
    if reason is not None:
        print(f"Skipped: browser, because {reason}")
        print("0 passed, 0 failed, 1 skipped")
        return 0
    folder = pathlib.Path(folder).resolve()
    python, _ = make_environment(folder, [SELENIUM])
    # The driver is asked by HTTP, which is for no proxy, and is never looked for elsewhere.
    environment = {
        "PYTHONPATH": str(HERE.parent), "PEERPOUCH": os.path.abspath(executable), "no_proxy": "*", "SE_OFFLINE": "true",
        "PEERTOOL": os.path.join(os.path.dirname(os.path.abspath(executable)), "PeerTool"),
    }
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        counts = run_pytest(
            "browser", python, ["-o", "python_files=*_test.py", *(arguments or ["."])], HERE, environment,
            pathlib.Path(scratch) / "report.xml", LONGEST, prefix=NETWORK,
        )
    print(f"{counts[0]} passed, {counts[1]} failed, {counts[2]} skipped")
    return 1 if counts[1] else 0


if __name__ == "__main__":
    sys.exit(main())
