"""What the browser tests share."""

import base64
import json
import os
import pathlib
import urllib.error
import urllib.request
import uuid

import pytest

from chromium import Chromium
from command import Terminal
from page_server import PageServer
from peer_process import PeerProcess
from peerpouch_server import Server
from person import Console

ADMIN = ("admin", "password")


def ask(server, path, method="GET", body=None):
    """Asks the server as a program does that is its admin. Returns the status and what the answer says."""
    request = urllib.request.Request(
        f"{server.url()}{path}", method=method, data=None if body is None else json.dumps(body).encode(),
        headers={
            "Authorization": "Basic " + base64.b64encode(":".join(ADMIN).encode()).decode(), "Content-Type": "application/json",
        },
    )
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def pouchdb_files():
    """PouchDB and, where it lies beside it, its plugin for `_find`, by the names that the pages call them by."""
    name = os.environ.get("POUCHDB_JS")
    if not name:
        return {}
    file = pathlib.Path(name)
    plugin = file.with_name(file.name.replace("pouchdb", "pouchdb.find", 1))
    return {"pouchdb.js": file, **({"pouchdb.find.js": plugin} if plugin.is_file() else {})}


@pytest.fixture(scope="session")
def chromium():
    # Names of the domain `example` lead to this machine, as a page may have its own name do.
    with Chromium(["--host-resolver-rules=MAP *.example 127.0.0.1"]) as chromium:
        yield chromium


@pytest.fixture(scope="session")
def pages():
    server = PageServer(pouchdb_files())
    yield server
    server.close()


@pytest.fixture(scope="session")
def server(pages):
    """A server that the pages may use, with an admin, for tests that change nothing but databases of their own."""
    with Server(os.environ["PEERPOUCH"], ["--admin", ":".join(ADMIN), "--cors", pages.origin]) as server:
        yield server


@pytest.fixture
def serve():
    """Starts servers that are stopped after the test."""
    servers = []

    def start(*options):
        servers.append(Server(os.environ["PEERPOUCH"], options))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@pytest.fixture
def open_page(chromium, pages):
    """Opens pages that are closed after the test, which fails if anything went wrong in them unnoticed."""
    opened = []

    def open_one(name, origin=None):
        opened.append(chromium.open(f"{origin or pages.origin}/{name}"))
        return opened[-1]

    yield open_one
    problems = opened[0].problems() if opened else []
    for page in opened:
        page.close()
    assert problems == []


@pytest.fixture
def name():
    """A name for a database that there is not yet."""
    return f"test-{uuid.uuid4().hex}"


@pytest.fixture
def hub(server, name):
    """The URL of a database of the server's that everybody may use."""
    assert ask(server, f"/{name}", "PUT")[0] == 201
    anybody = {"names": [], "roles": []}
    assert ask(server, f"/{name}/_security", "PUT", {"admins": anybody, "members": anybody})[0] == 200
    return f"{server.url()}/{name}"


@pytest.fixture
def visit(chromium):
    """Opens pages of a server that are closed after the test, which fails if anything went wrong in them unnoticed."""
    opened = []

    def open_one(url):
        opened.append(chromium.open(url))
        return Console(opened[-1])

    yield open_one
    problems = opened[0].problems() if opened else []
    for page in opened:
        page.close()
    assert problems == []


@pytest.fixture
def terminal(hub, tmp_path):
    """Somebody at a terminal, who has the tests' hub."""
    terminal = Terminal(tmp_path / "terminal", hub)
    yield terminal
    terminal.close()


@pytest.fixture
def swift_peer(tmp_path):
    """Starts peers in Swift, `Tests/PeerTool`, that are killed after the test."""
    if not os.path.exists(os.environ["PEERTOOL"]):
        pytest.skip("there is no PeerTool")
    peers = []

    def start(*arguments):
        peers.append(PeerProcess(os.environ["PEERTOOL"], *map(str, arguments)))
        return peers[-1]

    yield start
    for peer in peers:
        peer.kill()
