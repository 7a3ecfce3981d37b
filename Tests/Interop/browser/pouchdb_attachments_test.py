"""Attachments of documents at `peerpouch serve`, written and read by PouchDB as Blobs."""

import os
import uuid

import pytest

from conftest import ADMIN

pytestmark = pytest.mark.skipif(not os.environ.get("POUCHDB_JS"), reason="POUCHDB_JS does not name PouchDB's file")


@pytest.fixture
def page(open_page, server):
    page = open_page("pouchdb.html")
    page.run("server = arguments[0]", server.url(ADMIN))
    return page


@pytest.fixture
def both(page):
    """Runs steps on a database `db` of each kind; what they return must be the same, and is returned."""

    def run(steps):
        results = page.run(f"return both(arguments[0], async (db) => {{ {steps} }})", f"test-{uuid.uuid4().hex}")
        assert results["remote"] == results["local"]
        return results["remote"]

    return run


def test_blobs_are_put_and_read(both):
    result, type_, size, is_same, stub = both("""
        const blob = new Blob([bytes(1000)], {type: "image/png"});
        const result = await db.putAttachment("a", "picture.png", blob, "image/png");
        const read = await db.getAttachment("a", "picture.png");
        return [result, read.type, read.size, await digest(read) === await digest(blob), (await db.get("a"))._attachments];
    """)
    assert (result["ok"], result["id"]) == (True, "a")
    assert (type_, size, is_same) == ("image/png", 1000, True)
    assert stub["picture.png"]["stub"] is True
    assert stub["picture.png"]["length"] == 1000


def test_five_mebibytes_go_there_and_back(both):
    size, is_same, is_still_same = both("""
        const blob = new Blob([bytes(5 << 20)], {type: "application/octet-stream"});
        const expected = await digest(blob);
        const {rev} = await db.putAttachment("a", "large", blob, blob.type);
        const read = await db.getAttachment("a", "large");
        await db.put({_id: "b", _attachments: {large: {content_type: blob.type, data: blob}}});
        return [read.size, await digest(read) === expected, await digest(await db.getAttachment("b", "large")) === expected];
    """)
    assert (size, is_same, is_still_same) == (5 << 20, True, True)


def test_attachments_are_put_with_their_document(both):
    texts, stubs, encoded, binary = both("""
        await db.put({_id: "a", title: "two", _attachments: {
          "one.txt": {content_type: "text/plain", data: new Blob(["čtvrtek"], {type: "text/plain"})},
          "two.bin": {content_type: "application/octet-stream", data: btoa("\\0\\x01\\x02")},
        }});
        const names = ["one.txt", "two.bin"];
        const texts = await Promise.all(names.map(async (name) => (await db.getAttachment("a", name)).text()));
        const encoded = await db.get("a", {attachments: true});
        const binary = await db.get("a", {attachments: true, binary: true});
        return [texts, (await db.get("a"))._attachments, names.map((name) => encoded._attachments[name].data),
          await Promise.all(names.map(async (name) => [binary._attachments[name].data.type, await binary._attachments[name].data.text()]))];
    """)
    assert texts == ["čtvrtek", "\0\x01\x02"]
    assert {name: stub["revpos"] for name, stub in stubs.items()} == {"one.txt": 1, "two.bin": 1}
    assert encoded == ["xI10dnJ0ZWs=", "AAEC"]
    assert binary[1] == ["application/octet-stream", "\0\x01\x02"]


def test_stubs_keep_attachments_and_what_is_left_out_is_removed(both):
    kept, left, removed, gone = both("""
        const first = await db.put({_id: "a", _attachments: {
          one: {content_type: "text/plain", data: btoa("one")}, two: {content_type: "text/plain", data: btoa("two")}}});
        const document = await db.get("a");
        const second = await db.put({...document, text: "changed"});
        const kept = (await db.get("a"))._attachments;
        const third = await db.put({_id: "a", _rev: second.rev, _attachments: {two: document._attachments.two}});
        const left = await (await db.getAttachment("a", "two")).text();
        const old = await (await db.getAttachment("a", "one", {rev: second.rev})).text();
        const removed = await db.removeAttachment("a", "two", third.rev);
        return [kept, [left, old], removed.ok, "_attachments" in await db.get("a")];
    """)
    assert {name: stub["revpos"] for name, stub in kept.items()} == {"one": 1, "two": 1}
    assert left == ["two", "one"]
    assert (removed, gone) == (True, False)


def test_names_and_types_of_any_characters_are_kept(both):
    names = ["a b.txt", "ü 🐎.txt", "folder/file.txt", "a+b&c?d#e", "100%25", "%2F"]
    types = ["text/plain; charset=utf-8", "application/vnd.x+json", "", "image/svg+xml"]
    read_names, read_types = both(f"""
        const names = {names!r};
        let rev;
        for (const name of names) ({{rev}} = await db.putAttachment("names", name, rev, new Blob([name]), "text/plain"));
        const types = {types!r};
        const attachments = types.map((type, index) => [`t${{index}}`, {{content_type: type, data: btoa(type)}}]);
        await db.put({{_id: "types", _attachments: Object.fromEntries(attachments)}});
        const stubs = (await db.get("types"))._attachments;
        return [await Promise.all(names.map(async (name) => (await db.getAttachment("names", name)).text())),
          types.map((_, index) => stubs[`t${{index}}`].content_type)];
    """)
    assert read_names == names
    assert read_types == types


def test_empty_attachments_are_kept(both):
    assert both("""
        await db.putAttachment("a", "empty", new Blob([]), "text/plain");
        return [(await db.getAttachment("a", "empty")).size, (await db.get("a"))._attachments.empty.length];
    """) == [0, 0]


def test_lists_changes_and_bulk_reads_carry_attachments(both):
    results = both("""
        const {rev} = await db.putAttachment("a", "x", new Blob(["text"]), "text/plain");
        const attachment = async ({_attachments: {x}}) => (x.data instanceof Blob ? x.data.text() : x.data);
        const {rows} = await db.allDocs({include_docs: true, attachments: true});
        const {rows: blobs} = await db.allDocs({include_docs: true, attachments: true, binary: true});
        const {results: changes} = await db.changes({include_docs: true, attachments: true});
        const {results: binary} = await db.changes({include_docs: true, attachments: true, binary: true});
        const {results: bulk} = await db.bulkGet({docs: [{id: "a", rev}], attachments: true});
        return Promise.all([rows[0].doc, blobs[0].doc, changes[0].doc, binary[0].doc, bulk[0].docs[0].ok].map(attachment));
    """)
    assert results == ["dGV4dA==", "text", "dGV4dA==", "text", "dGV4dA=="]


def test_missing_attachments_are_errors(both):
    assert both("""
        await db.put({_id: "a"});
        return [(await failure(db.getAttachment("a", "none"))).status, (await failure(db.getAttachment("none", "x"))).status];
    """) == [404, 404]


def test_edits_of_attachments_that_conflict_are_refused(both):
    assert both("""
        await db.putAttachment("a", "x", new Blob(["one"]), "text/plain");
        return (await failure(db.putAttachment("a", "x", new Blob(["two"]), "text/plain"))).status;
    """) == 409
