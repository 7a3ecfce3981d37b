"""A page that shares a database: with other pages, and with a program in Swift."""

import os

import pytest

from conftest import ask

needs_pouchdb = pytest.mark.skipif("POUCHDB_JS" not in os.environ, reason="POUCHDB_JS names no file")
pytestmark = needs_pouchdb

SHARE = """
    PouchDB.plugin(PeerPouch);
    const [hubURL, name, options] = arguments;
    globalThis.hub = new PouchDB(hubURL, { skip_setup: true });
    globalThis.notes = new PouchDB(name);
    await notes.bulkDocs(array(120, (number) => ({ _id: `n${String(number).padStart(3, "0")}`, number })));
    await notes.put({ _id: "with", _attachments: { "t.txt": { content_type: "text/plain", data: btoa("text") } } });
    globalThis.told = [];
    globalThis.share = await hub.shareDatabase(notes, { name: "notes", ...options });
    for (const type of ["joined", "left", "refused", "ticketreused"]) {
      share.addEventListener(type, ({ detail }) => told.push([type, detail.refusal ?? null]));
    }
    return { dbname: share.dbname, ticket: share.ticket };
"""

OPEN = """
    PouchDB.plugin(PeerPouch);
    PeerPouch.configure({ memory: true });
    const [hubURL] = arguments;
    globalThis.hub = new PouchDB(hubURL, { skip_setup: true });
"""


@pytest.fixture
def two_pages(open_page):
    """Two pages that are different peers."""
    return open_page("peers.html"), open_page("peers.html")


def test_the_example_of_the_first_peerpouch(two_pages, hub, name):
    sharer, opener = two_pages
    sharer.run("""
        PouchDB.plugin(PeerPouch);
        const [hubURL, name] = arguments;
        globalThis.done = new Promise((resolve, reject) => {
          new PouchDB(hubURL, { skip_setup: true }).shareDatabase(new PouchDB(name), {
            name: "My Database", info: { colour: "blue" },
            onRemote: (evt) => { if (evt.info.name !== "friend") evt.preventDefault(); },
          }, (error, share) => (error ? reject(error) : resolve(share)));
        });
        await (await done).pouch.put({ _id: "hello" });
    """, hub, name)
    opener.run(OPEN, hub)
    outcome = opener.run("""
        const shares = await new Promise((resolve, reject) => hub.getSharedDatabases((error, found) => (error ? reject(error) : resolve(found))));
        const [share] = shares;
        const stranger = await failure(new PouchDB(share.dbname, { info: { name: "stranger" } }).info());
        const friend = new PouchDB(share.dbname, { info: { name: "friend" } });
        const { rows } = await friend.allDocs();
        const copy = new PouchDB("copy", { adapter: "idb" });
        const { docs_written: written } = await PouchDB.replicate(friend, copy);
        await friend.close();
        await copy.destroy();
        return { count: shares.length, name: share.name, info: share.info, stranger: stranger.status, rows: rows.map(({ id }) => id), written };
    """)
    assert outcome == {"count": 1, "name": "My Database", "info": {"colour": "blue"}, "stranger": 403, "rows": ["hello"], "written": 1}
    assert sharer.run("""
        const share = await done;
        const own = (await share.pouch && (await new PouchDB(arguments[0], { skip_setup: true }).getSharedDatabases())).length;
        await share.stop();
        return own;
    """, hub) == 0
    assert opener.run("return (await hub.getSharedDatabases()).length;") == 0


def test_two_pages_sync_with_conflicts_and_attachments(two_pages, hub, name):
    sharer, opener = two_pages
    shared = sharer.run(SHARE, hub, name, {"ticket": True})
    opener.run(OPEN, hub)
    outcome = opener.run("""
        const [ticket, name] = arguments;
        const theirs = new PouchDB(ticket, { adapter: "webrtc" });
        const own = new PouchDB(name);
        await own.put({ _id: "n001", number: "mine" });
        await own.put({ _id: "big", _attachments: { "b.bin": { content_type: "application/x-test", data: new Blob([bytes(2000000)]) } } });
        await own.sync(theirs);
        const same = JSON.stringify(await contents(own)) === JSON.stringify(await contents(theirs));
        const conflicts = (await theirs.get("n001", { conflicts: true }))._conflicts.length;
        await theirs.close();
        await own.destroy();
        return { same, conflicts };
    """, shared["ticket"], f"{name}-own")
    assert outcome == {"same": True, "conflicts": 1}
    assert sharer.run("return (await notes.getAttachment('big', 'b.bin')).size;") == 2_000_000


def test_a_ticket_lets_its_first_holder_in_and_nobody_else(two_pages, open_page, hub, name):
    sharer, opener = two_pages
    shared = sharer.run(SHARE, hub, name, {"ticket": True})
    opener.run(OPEN, hub)
    assert opener.run("""
        globalThis.first = await PeerPouch.open(arguments[0]);
        return (await answer(first, "/_all_docs")).body.rows.length;
    """, shared["ticket"]) == 121
    thief = open_page("peers.html")
    thief.run(OPEN, hub)
    outcome = thief.run("""
        const [ticket, address] = arguments;
        return [(await refusal(PeerPouch.open(ticket))).refusal, (await refusal(PeerPouch.open(address))).refusal];
    """, shared["ticket"], shared["dbname"])
    assert outcome == ["ticket-claimed", "forbidden"]
    assert opener.run("return (await answer(first, '/n001')).status;") == 200
    assert sharer.run("return told;") == [
        ["joined", None], ["ticketreused", None], ["refused", "ticket-claimed"], ["refused", "forbidden"],
    ]


def test_without_a_gate_everybody_reads_and_nobody_writes(two_pages, hub, name):
    sharer, opener = two_pages
    shared = sharer.run(SHARE, hub, name, {})
    opener.run(OPEN, hub)
    outcome = opener.run("""
        const share = await PeerPouch.open(arguments[0]);
        const put = (path, body = "{}") => share.fetch(path, { method: "PUT", body }).then(({ status }) => status);
        const post = (path, body = "{}") => share.fetch(path, { method: "POST", body }).then(({ status }) => status);
        const { body: { _rev: rev } } = await answer(share, "/n001");
        const outcome = {
          access: share.record.access, read: (await answer(share, "/_all_docs")).body.rows.length,
          writes: [
            await put("/new"), await post(""), await post("/_bulk_docs", '{"docs":[{}]}'), await put("/n001/file", "x"),
            (await share.fetch(`/n001?rev=${rev}`, { method: "DELETE" })).status, await put("/_design/x"), await post("/_find", '{"selector":{}}'),
          ],
          others: await Promise.all(["/_security", "/../_users", "/_all_dbs", "/_design/x/_view/y", "//", "/_local", "/%2e%2e"].map(
            (path) => share.fetch(path).then(({ status }) => status))),
          checkpoint: [await put("/_local/mine", '{"n":1}'), (await answer(share, "/_local/mine")).body.n],
        };
        share.release();
        return outcome;
    """, shared["dbname"])
    assert outcome == {
        "access": "read-only", "read": 121, "writes": [404] * 7, "others": [404] * 7, "checkpoint": [201, 1],
    }
    assert sharer.run("return count(notes);") == 121


def test_an_inbox_takes_new_documents_and_shows_none(two_pages, hub, name):
    sharer, opener = two_pages
    shared = sharer.run(SHARE, hub, name, {"access": "inbox", "ticket": True})
    opener.run(OPEN, hub)
    outcome = opener.run("""
        const share = await PeerPouch.open(arguments[0]);
        const outcome = {
          file: (await share.fetch("/in/a.txt", { method: "PUT", body: "text" })).status,
          again: (await share.fetch("/in/a.txt", { method: "PUT", body: "other" })).status,
          post: (await share.fetch("", { method: "POST", body: '{"n":1}' })).status,
          reads: await Promise.all(["/_all_docs", "/_changes", "/in", "/in/a.txt", "/n001", "/_local/x"].map((path) => share.fetch(path).then(({ status }) => status))),
          over: (await answer(share, "/_bulk_docs", { method: "POST", body: JSON.stringify({ docs: [{ _id: "n001", x: 1 }], new_edits: false }) })).body[0]?.error ?? null,
          count: (await answer(share, "")).body.doc_count,
        };
        share.release();
        return outcome;
    """, shared["ticket"])
    assert outcome == {"file": 201, "again": 409, "post": 201, "reads": [404] * 6, "over": "forbidden", "count": 0}
    assert sharer.run("return (await (await notes.getAttachment('in', 'a.txt')).text());") == "text"


def test_what_a_peer_writes_is_bounded(two_pages, hub, name):
    sharer, opener = two_pages
    shared = sharer.run(SHARE, hub, name, {"ticket": True})
    opener.run(OPEN, hub)
    outcome = opener.run("""
        const share = await PeerPouch.open(arguments[0]);
        const put = async (path, value) => (await share.fetch(path, { method: "PUT", body: typeof value === "string" ? value : JSON.stringify(value) })).status;
        const { body: { _attachments } } = await answer(share, "/with");
        const locals = [];
        for (let number = 0; number < 66; number++) locals.push(await put(`/_local/l${number}`, {}));
        const outcome = {
          long: await put("/long", { text: '"\\\\'.repeat(1 << 20) }),
          large: await put("/large", { text: "x".repeat(8 << 20) }),
          deep: await put("/deep", `{"a":${"[".repeat(200)}${"]".repeat(200)}}`),
          design: await put("/_design/x", {}),
          stub: await put("/thief", { _attachments }),
          locals: [locals.filter((status) => status === 201).length, locals.at(-1)],
          regex: (await share.fetch("/_changes?filter=_selector", { method: "POST", body: '{"selector":{"a":{"$regex":"(a+)+$"}}}' })).status,
        };
        const feeds = await Promise.all(array(33, () => {
          const ending = new AbortController();
          return share.fetch("/_changes?feed=continuous&since=now&heartbeat=1000", { signal: ending.signal }).then((response) => ({ response, ending }));
        }));
        outcome.feeds = feeds.filter(({ response }) => response.status === 429).length;
        for (const { ending } of feeds) ending.abort();
        share.release();
        return outcome;
    """, shared["ticket"])
    assert outcome == {
        "long": 201, "large": 413, "deep": 400, "design": 403, "stub": 412, "locals": [64, 403], "regex": 400, "feeds": 1,
    }


def test_unsharing_removes_the_share_and_drops_who_uses_it(two_pages, hub, name):
    sharer, opener = two_pages
    shared = sharer.run(SHARE, hub, name, {})
    opener.run(OPEN, hub)
    opener.run("""
        globalThis.changes = [];
        globalThis.list = await hub.getSharedDatabases({ onChange: (share) => changes.push([share.name, share._deleted === true]) });
        globalThis.theirs = await PeerPouch.open(arguments[0]);
    """, shared["dbname"])
    sharer.run("await hub.unshareDatabase(notes);")
    outcome = opener.run("""
        await state(theirs, "reconnecting");
        while (changes.length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
        list.cancel();
        const again = await refusal(PeerPouch.open(arguments[0]));
        theirs.close();
        return { changes, again: again.name };
    """, shared["dbname"])
    assert outcome == {"changes": [["notes", True]], "again": "Absent"}
    # The same database has the same address when it is shared again.
    assert sharer.run("return (await hub.shareDatabase(notes, { name: 'again' })).dbname;") == shared["dbname"]


def test_a_page_that_is_left_takes_its_shares_with_it(two_pages, hub, name):
    sharer, opener = two_pages
    sharer.run(SHARE, hub, name, {})
    opener.run(OPEN, hub)
    assert opener.run("return (await hub.getSharedDatabases()).length;") == 1
    sharer.front().get("about:blank")
    assert opener.run("""
        await until(hub, async () => (await hub.getSharedDatabases()).length === 0);
        return true;
    """)


def test_signals_do_not_stay_in_the_hub(two_pages, server, hub, name):
    sharer, opener = two_pages
    shared = sharer.run(SHARE, hub, name, {})
    opener.run(OPEN, hub)
    opener.run("(await PeerPouch.open(arguments[0])).release();", shared["dbname"])
    sharer.run("await share.stop();")
    left = opener.run("""
        const signals = async () => (await hub.allDocs()).rows.filter(({ id }) => /^[ps]-signal-/.test(id)).length;
        await until(hub, async () => (await signals()) === 0);
        return signals();
    """)
    assert left == 0


def test_a_swift_peer_keeps_a_copy_of_what_a_page_shares(open_page, swift_peer, server, hub, name, tmp_path):
    sharer = open_page("peers.html")
    shared = sharer.run(SHARE, hub, name, {"access": "read-write"})
    database = f"{name}-copy"
    assert ask(server, f"/{database}", "PUT")[0] == 201
    arguments = ("sync", shared["dbname"], f"{server.url(('admin', 'password'))}/{database}", tmp_path / "opener")
    peer = swift_peer(*arguments)
    peer.line("connected")
    peer.line("change with")
    assert ask(server, f"/{database}/with")[1]["_attachments"]["t.txt"]["length"] == 4
    # Either way, and after either has started again.
    sharer.run("await notes.put({ _id: 'later', _attachments: { f: { content_type: 'text/plain', data: new Blob([bytes(300000)]) } } });")
    peer.line("change later")
    peer.kill()
    assert ask(server, f"/{database}/back", "PUT", {"n": 1})[0] == 201
    peer = swift_peer(*arguments)
    peer.line("connected")
    sharer.run("await until(notes, async () => !(await failure(notes.get('back'))).status);")
    assert sharer.run("return (await notes.get('back')).n;") == 1
