"""What a page that shares bears of a remote that wants more than it may have."""

import pytest

from sharing_test import OPEN, SHARE, needs_pouchdb, two_pages  # noqa: F401

pytestmark = needs_pouchdb


@pytest.fixture
def pair(two_pages, hub, name):  # noqa: F811
    """A page that shares, with given options, and one that has opened it as `share`."""
    sharer, opener = two_pages

    def begin(options, script=SHARE):
        shared = sharer.run(script, hub, name, options)
        opener.run(OPEN, hub)
        opener.run("globalThis.share = await PeerPouch.open(arguments[0]);", shared["ticket"] or shared["dbname"])
        return sharer, opener, shared

    return begin


@pytest.mark.parametrize("end", ["stop()", "disconnect(share.remotes[0].identity)"])
def test_who_opens_a_share_twice_and_leaves_once_is_put_out_all_the_same(pair, end):
    sharer, opener, _ = pair({"ticket": True})
    ticket = sharer.run("return share.makeTicket();")
    opener.run("""
        const { tunnel } = share.connection;
        globalThis.first = async () => (await tunnel.request(0, { method: "GET", target: `/${share.id}/n001`, headers: [], body: null })).status;
        const again = await PeerPouch.open(arguments[0]);
        globalThis.state = [await first(), again.connection === share.connection];
        again.release();
        // What this has said is looked at before what is asked next.
        globalThis.after = await first();
    """, ticket)
    assert opener.run("return [state, after];") == [[200, True], 200]
    assert sharer.run("return share.remotes.length;") == 1
    sharer.run(f"await share.{end};")
    assert opener.run("return first().catch(() => 'over');") in ("over", 404)


@pytest.mark.parametrize("path", [
    "/with/x%2F..%2F..%2Fother", "/with/..%2F..", "/_design%2F..", "/_design/..%2Fother", "/_local/..%2F..", "/with/a%5C..%5Cb", "/%2E%2E",
])
def test_no_name_leads_out_of_the_database(pair, path):
    _, opener, _ = pair({"access": "read-write", "ticket": True})
    answers = opener.run("""
        const [path] = arguments;
        return [(await share.fetch(path)).status, (await share.fetch(path, { method: "PUT", body: "{}" })).status,
          (await share.fetch(`${path}?rev=1-a`, { method: "DELETE" })).status];
    """, path)
    assert answers == [404, 404, 404]


def test_copies_bring_no_members_that_reach_into_the_database_and_no_more_leaves_than_there_may_be(pair):
    _, opener, _ = pair({"access": "read-write", "ticket": True})
    outcome = opener.run("""
        const write = async (docs) => {
          const response = await share.fetch("/_bulk_docs", { method: "POST", body: JSON.stringify({ docs, new_edits: false }) });
          return response.json();
        };
        const tree = await write([{ _id: "v", _rev: "1-a", _rev_tree: [{ pos: 9, ids: ["a", {}, []] }] }]);
        const crooked = await write([{ _id: "v", _rev: "2-a", _revisions: { start: 2, ids: ["b", "c"] } }]);
        const many = await write(array(120, (number) => ({ _id: "v", _rev: `1-${String(number).padStart(32, "0")}` })));
        // What extends a leaf adds none.
        const longer = await write([{ _id: "v", _rev: `2-${"f".repeat(32)}`, _revisions: { start: 2, ids: ["f".repeat(32), "0".repeat(32)] } }]);
        const { length } = (await (await share.fetch("/v?open_revs=all")).json());
        return { tree: tree[0].error, crooked: crooked[0].error, refused: many.length, longer: longer.length, leaves: length };
    """)
    assert outcome == {"tree": "doc_validation", "crooked": "doc_validation", "refused": 20, "longer": 0, "leaves": 100}


def test_many_questions_wait_for_their_turn_and_unread_answers_hold_up_nobody(pair):
    _, opener, _ = pair({"access": "read-write", "ticket": True})
    outcome = opener.run("""
        const body = new Blob([bytes(200_000)]);
        await share.fetch("/photo/p.jpg", { method: "PUT", body });
        const statuses = await Promise.all(array(100, async (number) => (await share.fetch(`/n${String(number).padStart(3, "0")}`)).status));
        // Nobody reads these: more than a connection's credit to begin with.
        const unread = await Promise.all(array(12, () => share.fetch("/photo/p.jpg")));
        const { size } = await (await share.fetch("/photo/p.jpg")).blob();
        return { statuses: [...new Set(statuses)], unread: unread.length, size };
    """)
    assert outcome == {"statuses": [200], "unread": 12, "size": 200_000}


def test_who_is_forgotten_does_not_get_in_again(pair):
    sharer, opener, shared = pair({"ticket": True})
    outcome = sharer.run("""
        const [{ identity }] = share.remotes;
        const peer = await PeerPouch.peer();
        await peer.forget(identity);
        return share.remotes.length;
    """)
    assert outcome == 0
    opener.run("share.release();")
    refused = opener.run("return refusal(PeerPouch.open(arguments[0]));", shared["ticket"])
    assert refused["refusal"] == "ticket"


def test_strangers_at_an_open_share_do_not_become_known(pair):
    sharer, _, _ = pair({})
    known = sharer.run("""
        const peer = await PeerPouch.peer();
        const [{ identity }] = share.remotes;
        return peer.store.standing(identity, "");
    """)
    assert known == "new"


def test_passwords_and_tickets_do_not_become_names(two_pages, hub, name):  # noqa: F811
    sharer, _ = two_pages
    told = sharer.run("""
        PouchDB.plugin(PeerPouch);
        const [hubURL, name] = arguments;
        const hub = new PouchDB(hubURL, { skip_setup: true });
        const local = new PouchDB(name);
        // A database elsewhere, as far as its name goes.
        Object.defineProperty(local, "name", { value: "https://me:secret@couch.example/my%20notes" });
        const share = await hub.shareDatabase(local, {});
        const document = JSON.stringify(await hub.get(share.id));
        await share.stop();
        return { name: share.name, isTold: document.includes("secret") };
    """, hub, name)
    assert told == {"name": "my notes", "isTold": False}
