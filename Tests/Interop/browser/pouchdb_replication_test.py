"""PouchDB's replication between databases of the browser and of `peerpouch serve`, once and live."""

import os

import pytest

from conftest import ADMIN

pytestmark = pytest.mark.skipif(not os.environ.get("POUCHDB_JS"), reason="POUCHDB_JS does not name PouchDB's file")

# A database with everything: edits, conflicts three ways, tombstones, a conflict of a tombstone, attachments, a design
# document, and a local document, which stays where it is.
FILL = """
  await db.bulkDocs(array(300, (index) => ({_id: `plain-${String(index).padStart(4, "0")}`, index})));
  const edited = await db.get("plain-0007");
  await db.put({...edited, text: "žluťoučký 🐎"});
  await db.remove(await db.get("plain-0008"));
  await db.put({_id: "conflict", text: "mine"});
  await db.bulkDocs(["a", "b"].map((digit) => ({_id: "conflict", text: digit, _rev: `1-${digit.repeat(32)}`})), {new_edits: false});
  await db.bulkDocs([{_id: "conflict", _deleted: true, _rev: `2-${"c".repeat(32)}`,
    _revisions: {start: 2, ids: ["c".repeat(32), "a".repeat(32)]}}], {new_edits: false});
  await db.put({_id: "attached", _attachments: {
    "text ü.txt": {content_type: "text/plain", data: new Blob(["čtvrtek".repeat(1000)])},
    "empty": {content_type: "text/plain", data: ""},
    "large": {content_type: "application/octet-stream", data: new Blob([bytes(1 << 20)])},
  }});
  await db.put({...await db.get("attached"), text: "edited"});
  await db.put({_id: "_design/words", language: "javascript", filters: {all: "function () { return true; }"}});
  await db.put({_id: "_local/mine", text: "stays"});
"""


@pytest.fixture
def page(open_page, server):
    page = open_page("pouchdb.html")
    page.run("server = arguments[0]", server.url(ADMIN))
    return page


@pytest.mark.parametrize("direction", ["to", "from"])
def test_a_copy_has_the_same_leaves_histories_and_attachments(page, name, direction):
    result, source, target, again, stays = page.run(f"""
        const [local, there] = [new PouchDB(arguments[0]), remote(arguments[0])];
        const [db, target] = arguments[1] === "to" ? [local, there] : [there, local];
        {FILL}
        const result = await local.replicate[arguments[1]](there);
        const again = await local.replicate[arguments[1]](there);
        return [result, await contents(db), await contents(target), again, (await failure(target.get("_local/mine"))).status];
    """, name, direction)
    assert (result["ok"], result["status"], result["errors"], result["doc_write_failures"]) == (True, "complete", [], 0)
    assert target == source
    assert len(source) == 303
    assert len(source["conflict"]) == 3
    assert result["docs_written"] == result["docs_read"] == 305
    # The second time starts at the checkpoint.
    assert (again["docs_read"], again["docs_written"]) == (0, 0)
    assert stays == 404


def test_a_copy_of_a_copy_in_another_browser_database_is_the_same(page, name):
    first, second = page.run(f"""
        const db = new PouchDB(arguments[0]);
        const other = new PouchDB(arguments[0] + "-other");
        {FILL}
        await PouchDB.replicate(db, remote(arguments[0]));
        await PouchDB.replicate(remote(arguments[0]), other);
        return [await contents(db), await contents(other)];
    """, name)
    assert second == first


def test_two_databases_of_the_server_are_replicated_by_the_browser(page, name):
    first, second = page.run(f"""
        const [db, other] = [remote(arguments[0]), remote(arguments[0] + "-other")];
        {FILL}
        await PouchDB.replicate(db, other);
        return [await contents(db), await contents(other)];
    """, name)
    assert second == first


def test_sync_brings_edits_of_both_sides_together(page, name):
    result, here, there, winners, conflicts = page.run("""
        const [local, there] = [new PouchDB(arguments[0]), remote(arguments[0])];
        await local.put({_id: "shared", text: "first"});
        await local.sync(there);
        for (const [db, text] of [[local, "here"], [there, "there"]]) {
          await db.put({...await db.get("shared"), text});
          await db.put({_id: text});
          await db.putAttachment("files", text, (await failure(db.get("files"))).value?._rev, new Blob([text]), "text/plain");
        }
        const result = await local.sync(there);
        const read = await Promise.all([local, there].map((db) => db.get("shared", {conflicts: true})));
        return [result, await contents(local), await contents(there), read.map(({_rev}) => _rev), read.map(({_conflicts}) => _conflicts.length)];
    """, name)
    assert result["push"]["ok"] and result["pull"]["ok"]
    assert here == there
    assert winners[0] == winners[1]
    assert conflicts == [1, 1]
    assert len(here["files"]) == 2


@pytest.mark.parametrize("direction", ["to", "from"])
def test_filters_choose_what_is_copied(page, name, direction):
    by_id, by_selector, by_function = page.run("""
        const [local, there] = [new PouchDB(arguments[0]), remote(arguments[0])];
        const source = arguments[1] === "to" ? local : there;
        await source.bulkDocs(array(20, (index) => ({_id: `d${index}`, index})));
        const ids = [];
        const filters = [{doc_ids: ["d3", "d4"]}, {selector: {index: {$gte: 18}}}, {filter: ({index}) => index === 0}];
        for (const [number, options] of filters.entries()) {
          const name = `${arguments[0]}-${number}`;
          const target = arguments[1] === "to" ? remote(name) : new PouchDB(name);
          await PouchDB.replicate(source, target, options);
          ids.push((await target.allDocs()).rows.map(({id}) => id));
        }
        return ids;
    """, name, direction)
    assert (by_id, by_selector, by_function) == (["d3", "d4"], ["d18", "d19"], ["d0"])


def test_five_thousand_documents_are_copied_there_and_back(page, name):
    pushed, pulled, count, is_same = page.run("""
        const [local, there, other] = [new PouchDB(arguments[0]), remote(arguments[0]), new PouchDB(arguments[0] + "-other")];
        await local.bulkDocs(array(5000, (index) => ({_id: `d${index}`, index, text: "x".repeat(200)})));
        const options = {batch_size: 500};
        const pushed = await local.replicate.to(there, options);
        const pulled = await other.replicate.from(there, options);
        const [one, two] = await Promise.all([local, other].map((db) => db.allDocs({include_docs: true})));
        return [pushed.docs_written, pulled.docs_written, two.total_rows, JSON.stringify(one.rows) === JSON.stringify(two.rows)];
    """, name)
    assert (pushed, pulled, count, is_same) == (5000, 5000, 5000, True)


def live_sync(page, url, local, name):
    """Keeps a database of the page the same as the server's, and keeps account of what the sync tells."""
    page.run("""
        server = arguments[0];
        window.db = new PouchDB(arguments[1]);
        window.there = remote(arguments[2]);
        window.told = [];
        window.sync = db.sync(there, {live: true, retry: true, back_off_function: () => 100});
        const tell = (event) => { told.push(event); window.dispatchEvent(new Event("told")); };
        for (const event of ["change", "denied", "complete", "error"]) sync.on(event, () => tell(event));
        sync.pull.on("paused", (error) => tell(error ? "offline" : "paused"));
        window.whenTold = (event) => new Promise((resolve) => {
          const look = () => { if (told.includes(event)) { window.removeEventListener("told", look); resolve(); } };
          window.addEventListener("told", look);
          look();
        });
    """, url, local, name)


def only_failed_to_fetch(page):
    """Takes what PouchDB leaves uncaught of requests to a server that is dead out of the console."""
    assert all("Failed to fetch" in problem for problem in page.problems())


def test_tabs_keep_databases_the_same_through_the_server(open_page, server, name):
    one, two = open_page("pouchdb.html"), open_page("pouchdb.html")
    live_sync(one, server.url(ADMIN), f"{name}-one", name)
    live_sync(two, server.url(ADMIN), f"{name}-two", name)
    one.run("await db.bulkDocs(array(50, (index) => ({_id: `one-${index}`})))")
    two.run("await until(db, async () => await count(db) === 50)")
    two.run("""
        await db.put({...await db.get("one-0"), text: "edited there"});
        await db.remove(await db.get("one-1"));
        await db.putAttachment("file", "x", new Blob([bytes(100000)]), "application/octet-stream");
    """)
    one.run("""await until(db, async () =>
        (await db.get("one-0")).text && (await failure(db.get("one-1"))).reason === "deleted"
        && (await failure(db.get("file"))).value)""")
    results = [tab.run("""
        sync.cancel();
        await whenTold("complete");
        return [await contents(db), told];
    """) for tab in (one, two)]
    assert results[0][0] == results[1][0]
    assert len(results[0][0]) == 51
    for _, told in results:
        assert "change" in told and "error" not in told and "denied" not in told


def test_live_sync_outlives_a_server_that_is_killed(open_page, serve, pages, name):
    server = serve("--admin", ":".join(ADMIN), "--cors", pages.origin)
    one, two = open_page("pouchdb.html"), open_page("pouchdb.html")
    live_sync(one, server.url(ADMIN), f"{name}-one", name)
    live_sync(two, server.url(ADMIN), f"{name}-two", name)
    one.run("await db.put({_id: 'before', _attachments: {x: {content_type: 'text/plain', data: new Blob([bytes(50000)])}}})")
    two.run("await until(db, async () => (await failure(db.get('before'))).value)")
    server.kill()
    for number, tab in enumerate((one, two)):
        tab.run("""
            await whenTold("offline");
            await db.put({...await db.get("before"), by: arguments[0]});
            await db.bulkDocs(array(100, (index) => ({_id: `offline-${arguments[0]}-${index}`})));
            told.length = 0;
        """, number)
    server.start()
    for tab in (one, two):
        tab.run("await until(db, async () => await count(db) === 201)")
    one.run("await db.put({_id: 'after'})")
    two.run("await until(db, async () => (await failure(db.get('after'))).value)")
    # A second time, amid writing.
    one.run("window.writing = db.bulkDocs(array(500, (index) => ({_id: `amid-${index}`})))")
    server.kill()
    server.start()
    one.run("await writing")
    two.run("await until(db, async () => await count(db) === 702)")
    for tab in (one, two):
        tab.run("await until(db, async () => (await db.get('before', {conflicts: true}))._conflicts)")
    results = [tab.run("""
        sync.cancel();
        await whenTold("complete");
        return [await contents(db), told];
    """) for tab in (one, two)]
    there = one.run("return contents(there)")
    assert results[0][0] == results[1][0] == there
    assert len(there) == 702
    assert len(there["before"]) == 2
    for _, told in results:
        assert "paused" in told and "error" not in told and "denied" not in told
    only_failed_to_fetch(one)


def test_a_live_copy_waits_for_a_server_that_is_not_there_yet(open_page, serve, pages, name):
    server = serve("--admin", ":".join(ADMIN), "--cors", pages.origin)
    server.kill()
    page = open_page("pouchdb.html")
    page.run("""
        server = arguments[0];
        window.db = new PouchDB(arguments[1]);
        await db.put({_id: "early"});
        window.copy = db.replicate.to(remote(arguments[1]), {live: true, retry: true, back_off_function: () => 100});
        await new Promise((resolve) => copy.on("paused", (error) => { if (error) resolve(); }));
    """, server.url(ADMIN), name)
    server.start()
    page.run("await new Promise((resolve) => copy.on('change', ({docs_written}) => { if (docs_written) resolve(); }))")
    assert page.run("copy.cancel(); return (await remote(arguments[0]).get('early'))._id", name) == "early"
    only_failed_to_fetch(page)
