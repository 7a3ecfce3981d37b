"""CouchDB-Python's command-line tools against `peerpouch serve`, whose URL with credentials is COUCHDB_URL."""

import base64
import os
import pathlib
import subprocess
import sys
import uuid

import pytest

import couchdb

URL = os.environ["COUCHDB_URL"]
LONGEST_WAIT = 30_000  # milliseconds
IMAGE = bytes(range(256)) * 300


def tool(name, *arguments, output=None):
    """Runs one of the tools; what it says is shown if the test fails."""
    path = pathlib.Path(sys.executable).parent / name
    subprocess.run([path, *arguments], check=True, stdout=output, timeout=120)


@pytest.fixture
def server():
    return couchdb.Server(URL)


@pytest.fixture
def make(server):
    """Makes databases that are removed after the test."""
    names = []

    def make_one():
        names.append(f"tools-{uuid.uuid4().hex}")
        return server.create(names[-1])

    yield make_one
    for name in names:
        server.delete(name)


@pytest.fixture
def source(make):
    """A database with plain documents, text of many kinds, a design document and attachments."""
    database = make()
    documents = [{"_id": f"plain-{number:04}", "number": number, "half": number / 2} for number in range(250)]
    documents.append({"_id": "unicode", "Grüße": "žluťoučký kůň 🐎 ﷽ \u0000\u2028", "emoji 👩‍👩‍👧": ["🇨🇿", "e\u0301"]})
    documents.append({"_id": "values", "list": [None, True, -1, 12345678901234567890, {"deep": [[[]]]}], "empty": {}})
    documents.append({"_id": "_design/words", "language": "javascript", "filters": {"all": "function() { return true; }"}})
    assert all(written for written, _, _ in database.update(documents))
    document = {"_id": "attached", "title": "two files"}
    database.save(document)
    database.put_attachment(document, IMAGE, "bild.png", "image/png")
    database.put_attachment(document, "čtvrtek\r\n--\r\n".encode(), "text.txt", "text/plain;charset=utf-8")
    return database


def contents(database):
    """The documents by their ids, with the attachments' bytes."""
    documents = {}
    for row in database.view("_all_docs", include_docs=True):
        document = dict(row.doc)
        document["_attachments"] = {
            name: (stub["content_type"], database.get_attachment(document, name).read())
            for name, stub in document.get("_attachments", {}).items()
        }
        documents[row.id] = document
    return documents


def without_revisions(documents):
    return {id: {**document, "_rev": None} for id, document in documents.items()}


def leaves(database):
    """The leaves of all documents, deleted ones as well."""
    rows = database.changes(style="all_docs")["results"]
    return {row["id"]: (row.get("deleted", False), sorted(leaf["rev"] for leaf in row["changes"])) for row in rows}


def wait_until_same(source, target):
    """Waits for the target's changes until both have the same leaves."""
    since = "0"
    while leaves(target) != leaves(source):
        feed = target.changes(feed="longpoll", since=since, timeout=LONGEST_WAIT)
        assert feed["results"], f"nothing came: {leaves(target)}"
        since = feed["last_seq"]


@pytest.fixture
def replication(server):
    """Starts continuous replications that are ended after the test."""
    started = []

    def start(source, target):
        started.append((f"{URL}{source.name}", target.name))
        tool("couchdb-replicate", "--continuous", source.name, target.name)

    yield start
    for source, target in started:
        assert server.replicate(source, target, continuous=True, cancel=True)["ok"]


def test_what_is_dumped_can_be_loaded_into_another_database(source, make, tmp_path):
    with open(tmp_path / "dump", "wb") as file:
        tool("couchdb-dump", f"{URL}{source.name}", output=file)
    target = make()
    tool("couchdb-load", "--input", tmp_path / "dump", f"{URL}{target.name}")
    loaded = without_revisions(contents(target))
    assert loaded == without_revisions(contents(source))
    assert loaded["attached"]["_attachments"]["bild.png"] == ("image/png", IMAGE)
    assert len(loaded) == 254


def test_a_dump_in_small_pages_is_the_same(source, tmp_path):
    for name, size in ("large", "1000"), ("small", "7"):
        with open(tmp_path / name, "wb") as file:
            tool("couchdb-dump", "--bulk-size", size, f"{URL}{source.name}", output=file)
    documents = [
        [line for line in (tmp_path / name).read_bytes().splitlines() if line.startswith(b"{")]
        for name in ("large", "small")
    ]
    assert documents[0] == documents[1] and len(documents[0]) == 254


def test_replicating_once_makes_the_target_the_same(source, make):
    target = make()
    tool("couchdb-replicate", source.name, target.name)
    assert contents(target) == contents(source)
    assert leaves(target) == leaves(source)


def test_replicating_again_brings_what_changed(source, make):
    target = make()
    tool("couchdb-replicate", source.name, target.name)
    del source["plain-0003"]
    source["plain-0004"] = {**source["plain-0004"], "number": "four"}
    target["only here"] = {"stays": True}
    tool("couchdb-replicate", "--compact", source.name, target.name)
    assert target["plain-0004"]["number"] == "four"
    assert "plain-0003" not in target and "only here" in target
    del target["only here"]
    expected = leaves(source)
    assert {id: leaf for id, leaf in leaves(target).items() if id != "only here"} == expected


def test_conflicts_are_replicated(source, make):
    target = make()
    for word in "a", "b":
        revision = "1-" + word * 32
        body = {"docs": [{"_id": "conflict", "_rev": revision, "word": word}], "new_edits": False}
        source.resource.post_json("_bulk_docs", body=body)
    tool("couchdb-replicate", source.name, target.name)
    assert target.get("conflict", conflicts=True)["_conflicts"] == ["1-" + "a" * 32]
    assert leaves(target) == leaves(source)


def test_continuous_replication_goes_on(source, make, replication):
    target = make()
    replication(source, target)
    wait_until_same(source, target)
    source["later"] = {"written": "while it runs"}
    document = source["attached"]
    source.put_attachment(document, base64.b64encode(IMAGE), "later.txt", "text/plain")
    del source["plain-0005"]
    wait_until_same(source, target)
    assert contents(target) == contents(source)


def test_a_database_that_is_not_there_is_made(source, server):
    name = f"tools-{uuid.uuid4().hex}"
    tool("couchdb-replicate", source.name, name)
    try:
        assert contents(server[name]) == contents(source)
    finally:
        server.delete(name)
