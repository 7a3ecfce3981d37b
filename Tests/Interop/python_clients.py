#!/usr/bin/env python3
"""Runs the test suites of Python's CouchDB clients against `peerpouch serve`.

    python_clients.py PEERPOUCH FOLDER [SUITE…]

PEERPOUCH is the executable; FOLDER keeps the virtual environment and the clients' sources between runs. The suites
come from the clients' source distributions at PyPI. What cannot pass is listed with its reason in excluded/SUITE.json.
The last line counts: `N passed, N failed, N skipped`.
"""

import os
import pathlib
import re
import subprocess
import sys
import tarfile
import tempfile
import venv
import xml.etree.ElementTree

HERE = pathlib.Path(__file__).resolve().parent
TOOLS = ["pytest==8.3.4", "pytest-asyncio==0.25.2"]
ADMIN = ("admin", "password")


class Suite:
    """The tests of one client: its distribution, and how they are pointed at a server."""

    def __init__(self, name, version, tests, options=(), environment=None, rewritten=()):
        self.name = name
        self.requirement = f"{name}=={version}"
        self.tests = tests
        self.options = list(options)
        self.environment = environment or (lambda host, port: {})
        self.rewritten = rewritten


SUITES = [
    Suite(
        "aiocouch", "4.0.1", ["tests"],
        environment=lambda host, port: {
            "COUCHDB_HOST": f"http://{host}:{port}", "COUCHDB_USER": ADMIN[0], "COUCHDB_PASS": ADMIN[1]
        },
    ),
    Suite(
        "CouchDB", "1.2", ["couchdb/tests"], options=["-o", "python_files=*.py"],
        environment=lambda host, port: {"COUCHDB_URL": f"http://{ADMIN[0]}:{ADMIN[1]}@{host}:{port}/"},
    ),
    # This one has the server's address in its sources.
    Suite(
        "pycouchdb", "1.17.1", ["test"],
        rewritten=["test/integration/conftest.py", "test/integration/test_integration.py"],
    ),
]


def prepare(folder, suites):
    """Makes the virtual environment, and unpacks the sources that are not there yet."""
    folder.mkdir(parents=True, exist_ok=True)
    environment = folder / "venv"
    python = environment / "bin" / "python"
    if not python.exists():
        venv.create(environment, with_pip=True)
    pip = [str(python), "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "install", *TOOLS, *[suite.requirement for suite in suites]], check=True)
    sources = {}
    for suite in suites:
        archive_folder = folder / "archives" / suite.name
        if not any(archive_folder.glob("*.tar.gz")):
            subprocess.run(
                [*pip, "download", "--no-deps", "--no-binary", ":all:", "--dest", str(archive_folder), suite.requirement],
                check=True,
            )
        unpacked = tempfile.mkdtemp(prefix=suite.name, dir=folder)
        with tarfile.open(next(archive_folder.glob("*.tar.gz"))) as archive:
            archive.extractall(unpacked, filter="data")
        sources[suite.name] = next(pathlib.Path(unpacked).iterdir())
    return python, sources


class Server:
    """`peerpouch serve` on a free port, with databases of its own."""

    def __init__(self, executable):
        self.data = tempfile.TemporaryDirectory(prefix="peerpouch-interop-")
        self.process = subprocess.Popen(
            [executable, "serve", "--port", "0", "--data", self.data.name, "--admin", ":".join(ADMIN)],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )
        line = self.process.stdout.readline()
        address = re.search(r"http://([0-9.]+):(\d+)", line)
        if address is None:
            raise SystemExit(f"The server did not say where it listens: {line!r}")
        self.host, self.port = address.group(1), int(address.group(2))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(timeout=30)
        self.data.cleanup()


def run(suite, python, source, server, report):
    """Runs one suite and returns (passed, failed, skipped)."""
    for name in suite.rewritten:
        path = source / name
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace("localhost:5984", f"{server.host}:{server.port}"), encoding="utf-8")
    environment = dict(os.environ, PYTHONPATH=str(HERE), **suite.environment(server.host, server.port))
    environment["PEERPOUCH_EXCLUDED"] = str(HERE / "excluded" / f"{suite.name}.json")
    subprocess.run(
        [
            str(python), "-m", "pytest", "-q", "-p", "excluded", "-p", "no:cacheprovider", "-rf", "--tb=short",
            f"--junitxml={report}", *suite.options, *suite.tests,
        ],
        cwd=source, env=environment, check=False, timeout=600,
    )
    if not pathlib.Path(report).exists():
        return 0, 1, 0
    passed, failed, skipped = 0, 0, 0
    for case in xml.etree.ElementTree.parse(report).iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            failed += 1
        elif (skip := case.find("skipped")) is not None:
            skipped += 1
            print(f"Skipped: {suite.name} {case.get('classname')}.{case.get('name')}: {skip.get('message')}")
        else:
            passed += 1
    return passed, failed, skipped


def main():
    executable, folder, *names = sys.argv[1:]
    suites = [suite for suite in SUITES if not names or suite.name in names]
    python, sources = prepare(pathlib.Path(folder).resolve(), suites)
    totals = [0, 0, 0]
    for suite in suites:
        print(f"== {suite.name}", flush=True)
        with Server(os.path.abspath(executable)) as server, tempfile.TemporaryDirectory() as reports:
            counts = run(suite, python, sources[suite.name], server, f"{reports}/report.xml")
        totals = [total + count for total, count in zip(totals, counts)]
    print(f"{totals[0]} passed, {totals[1]} failed, {totals[2]} skipped")
    return 1 if totals[1] else 0


if __name__ == "__main__":
    sys.exit(main())
