#!/usr/bin/env python3
"""Runs the test suites of Python's CouchDB clients, and tests of their tools, against `peerpouch serve`.

    python_clients.py PEERPOUCH FOLDER [SUITE…]

PEERPOUCH is the executable; FOLDER keeps the virtual environment and the clients' sources between runs. The suites
come from the clients' source distributions at PyPI. What cannot pass is listed with its reason in excluded/SUITE.json.
The last line counts: `N passed, N failed, N skipped`.
"""

import concurrent.futures
import os
import pathlib
import subprocess
import sys
import tarfile
import tempfile

from peerpouch_server import Server
from suites import make_environment, run_pytest

HERE = pathlib.Path(__file__).resolve().parent
ADMIN = ("admin", "password")
# How long one suite may take, in seconds; the longest takes one minute on two cores that have nothing else to do.
LONGEST_SUITE = 900


class Suite:
    """The tests of one client, and how they are pointed at a server."""

    def __init__(
        self, name, requirement, tests, options=(), environment=None, replacements=None, server=("--admin", ":".join(ADMIN)),
        is_own=False,
    ):
        self.name = name
        # The client, which is also where the tests come from unless they are our own.
        self.requirement = requirement
        self.is_own = is_own
        self.tests = [str(HERE / test) for test in tests] if is_own else list(tests)
        self.options = list(options)
        self.environment = environment or (lambda host, port: {})
        # What is changed in the tests: for each file texts and what takes their place.
        self.replacements = replacements or (lambda host, port: {})
        # How the server is started.
        self.server = list(server)


def pycouchdb_replacements(host, port):
    """Its tests have the server's address in their sources, and make a database `_users` that they do not use."""
    address = ("localhost:5984", f"{host}:{port}")
    users = ('if "_users" not in server:\n        server.create("_users")', "pass")
    # Where the client's own default is asked for, the address stays.
    default, default_too = (
        (f"{name}.base_url == 'http://localhost:5984/'", f"{name}.base_url == 'http://local' 'host:5984/'")
        for name in ("server1", "server4")
    )
    return {
        "test/integration/conftest.py": [address, users],
        "test/integration/test_integration.py": [default, default_too, address, users],
        "test/integration/test_error_scenarios.py": [address],
    }


SUITES = [
    Suite(
        "aiocouch", "aiocouch==4.0.1", ["tests"],
        environment=lambda host, port: {
            "COUCHDB_HOST": f"http://{host}:{port}", "COUCHDB_USER": ADMIN[0], "COUCHDB_PASS": ADMIN[1]
        },
    ),
    # Its tests talk to the server without credentials here and there, as CouchDB 1 lets everybody.
    Suite(
        "CouchDB", "CouchDB==1.2", ["couchdb/tests"], options=["-o", "python_files=*.py"],
        environment=lambda host, port: {"COUCHDB_URL": f"http://{host}:{port}/"}, server=["--admin-party"],
        replacements=lambda host, port: {"couchdb/tests/client.py": [("localhost:5984", f"{host}:{port}")]},
    ),
    Suite(
        "couchdb-tools", "CouchDB==1.2", ["test_couchdb_tools.py"], is_own=True,
        environment=lambda host, port: {"COUCHDB_URL": f"http://{ADMIN[0]}:{ADMIN[1]}@{host}:{port}/"},
    ),
    Suite("pycouchdb", "pycouchdb==1.17.1", ["test"], replacements=pycouchdb_replacements),
]


def prepare(folder, suites):
    """Makes the virtual environment, and fetches the sources that are not there yet.

    Returns Python's path and the archive of each suite that comes in one.
    """
    python, pip = make_environment(folder, {suite.requirement for suite in suites})
    archives = {}
    for suite in suites:
        if suite.is_own:
            continue
        archive_folder = folder / "archives" / suite.name
        if not any(archive_folder.glob("*.tar.gz")):
            subprocess.run(
                [*pip, "download", "--no-deps", "--no-binary", ":all:", "--dest", str(archive_folder), suite.requirement],
                check=True,
            )
        archives[suite.name] = next(archive_folder.glob("*.tar.gz"))
    return python, archives


def unpack(archive, folder):
    """Unpacks a source distribution, and returns its root."""
    with tarfile.open(archive) as opened:
        opened.extractall(folder, filter="data")
    return next(pathlib.Path(folder).iterdir())


def rewrite(suite, source, server):
    """Makes the changes to the tests that the suite needs."""
    for name, replacements in suite.replacements(server.host, server.port).items():
        path = source / name
        text = path.read_text(encoding="utf-8")
        for old, new in replacements:
            if old not in text:
                raise SystemExit(f"{suite.name}: {name} has no {old!r}")
            text = text.replace(old, new)
        path.write_text(text, encoding="utf-8")


def run(suite, python, source, server, report):
    """Runs one suite, shows what failed, and returns (passed, failed, skipped)."""
    environment = {
        "PYTHONPATH": str(HERE), "PEERPOUCH_EXCLUDED": str(HERE / "excluded" / f"{suite.name}.json"),
        **suite.environment(server.host, server.port),
    }
    arguments = [
        "-p", "excluded", "-o", "addopts=", "-o", "log_cli=false", *suite.options, *suite.tests,
    ]
    return run_pytest(suite.name, python, arguments, source, environment, report, LONGEST_SUITE, at_once=True)


def run_with_server(suite, executable, python, archive, folder):
    """Runs one suite against a server of its own, and returns its counts."""
    with Server(executable, suite.server) as server, tempfile.TemporaryDirectory(dir=folder) as scratch:
        source = HERE if suite.is_own else unpack(archive, pathlib.Path(scratch) / "source")
        rewrite(suite, source, server)
        counts = run(suite, python, source, server, pathlib.Path(scratch) / "report.xml")
    print(f"{suite.name}: {counts[0]} passed, {counts[1]} failed, {counts[2]} skipped", flush=True)
    return counts


def main():
    executable, folder, *names = sys.argv[1:]
    executable, folder = os.path.abspath(executable), pathlib.Path(folder).resolve()
    suites = [suite for suite in SUITES if not names or suite.name in names]
    if len(suites) < len(names):
        raise SystemExit(f"Suites: {', '.join(suite.name for suite in SUITES)}")
    python, archives = prepare(folder, suites)
    # All at once, since they wait more than they work.
    with concurrent.futures.ThreadPoolExecutor(len(SUITES)) as pool:
        runs = [pool.submit(run_with_server, suite, executable, python, archives.get(suite.name), folder) for suite in suites]
        totals = [sum(counts) for counts in zip(*(run.result() for run in runs))]
    print(f"{totals[0]} passed, {totals[1]} failed, {totals[2]} skipped")
    return 1 if totals[1] else 0


if __name__ == "__main__":
    sys.exit(main())
