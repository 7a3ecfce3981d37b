"""A page that opens what a program in Swift shares."""

import os

import pytest

from chromium import ScriptError
from conftest import ask

needs_pouchdb = pytest.mark.skipif("POUCHDB_JS" not in os.environ, reason="POUCHDB_JS names no file")


class SwiftShare:
    """A database of the server's, whose file a Swift peer shares by way of the hub. The peer can be killed and started again."""

    def __init__(self, server, hub, swift_peer, folder, database):
        self.server, self.database = server, database
        self.start = lambda: swift_peer("share", hub, f"{server.data.name}/{database}.pouch", folder / "sharer")
        self.peer = self.start()
        self.address = self.peer.line("sharing")

    def restart(self):
        self.peer.kill()
        self.peer = self.start()
        assert self.peer.line("sharing") == self.address

    def ask(self, path, method="GET", body=None):
        return ask(self.server, f"/{self.database}{path}", method, body)


@pytest.fixture
def swift_share(server, hub, swift_peer, name, tmp_path):
    database = f"{name}-data"
    assert ask(server, f"/{database}", "PUT")[0] == 201
    return SwiftShare(server, hub, swift_peer, tmp_path, database)


def test_a_page_reads_and_writes_a_share_without_pouchdb(open_page, swift_share):
    swift_share.ask("/one", "PUT", {"text": "<b>bold</b>"})
    page = open_page("client.html")
    outcome = page.run("""
        const share = await PeerPouch.open(arguments[0]);
        const outcome = {
          one: await answer(share, "/one"),
          put: await answer(share, "/two", { method: "PUT", body: JSON.stringify({ n: 2 }) }),
          all: (await answer(share, "/_all_docs")).body.rows.map(({ id }) => id),
          denied: [],
          state: share.state,
          owner: (await share.owner()).length,
          me: (await PeerPouch.peer()).identity.fingerprint,
        };
        for (const path of ["/_security", "/_design/x/_view/y", "/_compact", "/_local_docs", "/../_all_dbs", "/_purge"]) {
          outcome.denied.push((await share.fetch(path)).status);
        }
        share.release();
        return outcome;
    """, swift_share.address)
    assert outcome["one"]["body"]["text"] == "<b>bold</b>"
    assert outcome["put"]["status"] == 201
    assert outcome["all"] == ["one", "two"]
    assert outcome["denied"] == [404] * 6
    assert (outcome["state"], outcome["owner"]) == ("connected", 52)
    assert swift_share.peer.line("joined") == outcome["me"]
    assert swift_share.peer.line("left") == outcome["me"]
    assert swift_share.ask("/two")[1]["n"] == 2


def test_a_page_is_the_same_identity_after_it_was_loaded_again(open_page):
    script = "return (await PeerPouch.peer()).identity.fingerprint;"
    assert open_page("client.html").run(script) == open_page("client.html").run(script)


def test_the_private_key_cannot_be_read(open_page):
    page = open_page("client.html")
    with pytest.raises(ScriptError) as failure:
        page.run("""
            const { key } = (await PeerPouch.peer()).identity;
            await crypto.subtle.exportKey("pkcs8", key);
        """)
    assert failure.value.details["name"] == "InvalidAccessError"


def test_an_address_without_a_share_is_not_there(open_page, hub):
    page = open_page("client.html")
    outcome = page.run("""
        return refusal(PeerPouch.open(`webrtc://${encodeURIComponent(arguments[0])}/share-b9ff9249-4eec-82ea-a712-4f934c1d5a5f`));
    """, hub)
    assert outcome["name"] == "Absent"


@pytest.mark.parametrize("length", [0, 1, 100_000, 50 << 20])
def test_attachments_go_both_ways_whole(open_page, swift_share, length):
    page = open_page("client.html")
    outcome = page.run("""
        const [address, length] = arguments;
        const share = await PeerPouch.open(address);
        const body = new Blob([bytes(length)]);
        let sent = 0;
        const put = await answer(share, "/doc/file.bin", {
          method: "PUT", body, headers: { "content-type": "application/x-test" }, progress: (count) => { sent = count; } });
        const response = await share.fetch("/doc/file.bin");
        const back = await response.blob();
        share.release();
        return { put: put.status, sent, type: response.headers.get("content-type"), same: await digest(back) === await digest(body), size: back.size };
    """, swift_share.address, length)
    assert outcome == {"put": 201, "sent": length, "type": "application/x-test", "same": True, "size": length}


def test_a_request_goes_on_after_the_sharer_was_killed_and_started_again(open_page, swift_share):
    swift_share.ask("/one", "PUT", {})
    page = open_page("client.html")
    page.run("""
        globalThis.share = await PeerPouch.open(arguments[0]);
        // A position, since another "now" would be later.
        const { body: { update_seq: since } } = await answer(share, "");
        globalThis.changes = answer(share, `/_changes?feed=longpoll&since=${encodeURIComponent(since)}&heartbeat=5000`);
    """, swift_share.address)
    swift_share.restart()
    swift_share.peer.line("joined")
    swift_share.ask("/two", "PUT", {})
    outcome = page.run("""
        const { body: { results } } = await changes;
        const one = await answer(share, "/one");
        share.release();
        return { results: results.map(({ id }) => id), one: one.status, state: share.state };
    """)
    assert outcome == {"results": ["two"], "one": 200, "state": "closed"}


@needs_pouchdb
def test_pouchdb_works_on_a_share(open_page, swift_share):
    for number in range(60):
        swift_share.ask(f"/d{number:02}", "PUT", {"number": number})
    page = open_page("peers.html")
    outcome = page.run("""
        PouchDB.plugin(PeerPouch);
        const theirs = new PouchDB(arguments[0]);
        const seen = [];
        const feed = theirs.changes({ live: true, since: "now", include_docs: true });
        const first = new Promise((resolve, reject) => feed.on("change", resolve).on("error", reject));
        await theirs.info();
        const blob = new Blob([bytes(70000)], { type: "image/x-test" });
        const { rev } = await theirs.put({ _id: "with", text: "é", _attachments: { "a b.bin": { content_type: "image/x-test", data: blob } } });
        const back = await theirs.getAttachment("with", "a b.bin");
        const outcome = {
          count: (await theirs.allDocs()).rows.length,
          range: (await theirs.allDocs({ startkey: "d10", endkey: "d12", include_docs: true })).rows.map(({ doc }) => doc.number),
          conflict: (await failure(theirs.put({ _id: "with" }))).status,
          live: (await first).doc.text,
          blob: back instanceof Blob && await digest(back) === await digest(blob),
          destroy: (await failure(theirs.destroy())).status,
          removed: (await theirs.remove("with", rev)).ok,
          gone: (await failure(theirs.get("with"))).reason,
        };
        feed.cancel();
        await theirs.close();
        return outcome;
    """, swift_share.address)
    assert outcome == {
        "count": 61, "range": [10, 11, 12], "conflict": 409, "live": "é", "blob": True, "destroy": 403, "removed": True,
        "gone": "deleted",
    }


@needs_pouchdb
def test_pouchdb_syncs_with_a_share_live_also_after_a_restart(open_page, swift_share, name):
    for number in range(150):
        swift_share.ask(f"/d{number:03}", "PUT", {"number": number})
    page = open_page("peers.html")
    outcome = page.run("""
        PouchDB.plugin(PeerPouch);
        const [address, name] = arguments;
        globalThis.own = new PouchDB(name);
        globalThis.theirs = new PouchDB(address);
        await own.put({ _id: "mine", _attachments: { "t.txt": { content_type: "text/plain", data: btoa("text") } } });
        await own.put({ _id: "d000", number: "mine" });
        const { push, pull } = await own.sync(theirs);
        globalThis.sync = own.sync(theirs, { live: true, retry: true });
        return { pushed: push.docs_written, pulled: pull.docs_written, conflicts: (await own.get("d000", { conflicts: true }))._conflicts.length };
    """, swift_share.address, name)
    assert outcome == {"pushed": 2, "pulled": 150, "conflicts": 1}
    assert swift_share.ask("/mine")[1]["_attachments"]["t.txt"]["length"] == 4
    swift_share.ask("/before", "PUT", {})
    page.run("await until(own, async () => !(await failure(own.get('before'))).status);")
    swift_share.restart()
    swift_share.ask("/after", "PUT", {})
    same = page.run("""
        await until(own, async () => !(await failure(own.get("after"))).status);
        await own.put({ _id: "last" });
        await until(theirs, async () => !(await failure(theirs.get("last"))).status);
        sync.cancel();
        const same = JSON.stringify(await contents(own)) === JSON.stringify(await contents(theirs));
        await theirs.close();
        await own.destroy();
        return same;
    """)
    assert same
