"""Peers that break the protocol after they have shaken hands: their connections end, and everything else goes on."""

import os

import pytest

from conftest import ask
from sharing_test import OPEN, SHARE

needs_pouchdb = pytest.mark.skipif("POUCHDB_JS" not in os.environ, reason="POUCHDB_JS names no file")

# What a hostile opener sends past its own tunnel, by the rule that it breaks.
FAULTS = {
    "badMessageLength": "send(new Uint8Array(70000));",
    "truncatedFrame": "send(Uint8Array.of(0x20, 0, 0, 8, 0, 0, 0, 0, 1, 2));",
    "frameTooLong": "send(concat([0x12, 0, 0x40, 0, 0, 0, 0, 1], new Uint8Array(0x4000)));",
    "malformedFrame": "send(frame(0x20, 0, 0, [1, 2, 3]));",
    "secondHello": "send(frame(0x01, 0, 0, new Uint8Array(61)));",
    "unknownStream": "send(frame(0x12, 0, 99, [1]));",
    "wrongStreamNumber": "send(request(2));",
    "tooManyStreams": "send(concat(...Array.from({ length: 257 }, (_, index) => request(101 + 2 * index, { length: 10 }))));",
    "headTooLarge": "for (let part = 0; part < 4; part++) send(frame(0x10, 2, 101, new Uint8Array(16000)));",
    "unexpectedFrame": "send(concat(request(101, { length: 10 }), request(101, { length: 10 })));",
    "wrongBodyLength": "send(concat(request(101, { length: 1 }), frame(0x12, 0, 101, [1, 2])));",
    "tooOften": """
        for (let stream = 101; stream < 101 + 2 * 150; stream += 2) {
          send(request(stream, { length: 10 }));
          send(frame(0x13, 0, stream, [0, 0]));
        }
    """,
}

ATTACK = """
    const [address, attack] = arguments;
    const share = await PeerPouch.open(address);
    const { tunnel } = share.connection;
    const { channel } = tunnel;
    // Answers to what was sent past it are not to surprise the own side.
    tunnel.machine.streams.highestSent = 2 ** 31;
    const id = new TextEncoder().encode(`/${share.id}/_changes`);
    const concat = (...parts) => Uint8Array.from(parts.flatMap((part) => [...part]));
    const frame = (kind, flags, stream, payload) => concat([kind, flags, payload.length >> 8, payload.length & 255],
      [stream >>> 24, stream >>> 16 & 255, stream >>> 8 & 255, stream & 255], payload);
    const request = (stream, { length = 0, method = "GET" } = {}) => {
      const size = new Uint8Array(8);
      new DataView(size.buffer).setUint32(4, length);
      return frame(0x10, 0, stream, concat([0, 0, 0, 0], size, [method.length], new TextEncoder().encode(method), [0, id.length], id, [0]));
    };
    const send = (bytes) => { if (channel.readyState === "open") channel.send(bytes); };
    new Function("send", "frame", "request", "concat", attack)(send, frame, request, concat);
    const reason = await tunnel.ended;
    const again = await answer(share, "");
    share.close();
    return { reason, again: again.status };
"""


def test_a_swift_share_outlives_every_fault(open_page, server, hub, swift_peer, name, tmp_path):
    assert ask(server, f"/{name}-data", "PUT")[0] == 201
    peer = swift_peer("share", hub, f"{server.url(('admin', 'password'))}/{name}-data", tmp_path / "sharer")
    address = peer.line("sharing")
    page = open_page("client.html")
    outcomes = {rule: page.run(ATTACK, address, attack) for rule, attack in FAULTS.items()}
    assert outcomes == {rule: {"reason": rule, "again": 200} for rule in FAULTS}


@needs_pouchdb
def test_a_page_outlives_every_fault(open_page, hub, name):
    sharer, opener = open_page("peers.html"), open_page("peers.html")
    shared = sharer.run(SHARE, hub, name, {"access": "read-write"})
    opener.run(OPEN, hub)
    outcomes = {rule: opener.run(ATTACK, shared["dbname"], attack) for rule, attack in FAULTS.items()}
    assert outcomes == {rule: {"reason": rule, "again": 200} for rule in FAULTS}
    assert sharer.run("return (await count(notes));") == 121


@needs_pouchdb
def test_who_stops_reading_holds_up_nobody_else(open_page, hub, name):
    sharer, opener = open_page("peers.html"), open_page("peers.html")
    shared = sharer.run(SHARE, hub, name, {"access": "read-write"})
    opener.run(OPEN, hub)
    outcome = opener.run("""
        const share = await PeerPouch.open(arguments[0]);
        await share.fetch("/large/file", { method: "PUT", body: new Blob([bytes(3000000)]) });
        const unread = await share.fetch("/large/file");
        const other = (await answer(share, "/n001")).status;
        const size = (await unread.blob()).size;
        share.release();
        return { other, size };
    """, shared["dbname"])
    assert outcome == {"other": 200, "size": 3_000_000}


@needs_pouchdb
def test_forged_and_repeated_signals_are_ignored(open_page, hub, name):
    sharer, opener = open_page("peers.html"), open_page("peers.html")
    shared = sharer.run(SHARE, hub, name, {})
    opener.run(OPEN, hub)
    outcome = opener.run("""
        // A hub that keeps the signals, and writes them again when the opening is over.
        const [address, hubURL] = arguments;
        const kept = [];
        const hub = new PouchDB(hubURL, {
          skip_setup: true,
          fetch: (url, init) => {
            if (init.method === "PUT" && url.includes("p-signal-")) kept.push(JSON.parse(init.body));
            return fetch(url, init);
          },
        });
        await hub.getSharedDatabases();
        const share = await PeerPouch.open(address);
        share.release();
        for (const { _id, ...signal } of [...kept]) {
          const copy = { ...signal, _id: _id.slice(0, 9) + crypto.randomUUID() };
          await hub.put(copy);
          const { c } = copy.peerpouch;
          await hub.put({ ...copy, _id: _id.slice(0, 9) + crypto.randomUUID(), peerpouch: { ...copy.peerpouch, c: (c[0] === "A" ? "B" : "A") + c.slice(1) } });
        }
        for (const junk of [{}, null, 7, { v: 1 }, { v: 1, h: "", c: "" }, { v: 1, h: "A".repeat(20000), c: "A" }]) {
          await hub.put({ _id: "p-signal-" + crypto.randomUUID(), type: "com.stemstorage.peerpouch.signal", sender: "x", recipient: share.id, peerpouch: junk });
        }
        const again = await PeerPouch.open(address);
        const { status } = await answer(again, "/n001");
        again.release();
        return { kept: kept.length > 0, status };
    """, shared["dbname"], hub)
    assert outcome == {"kept": True, "status": 200}
    # Two openings, and none of those that were played again.
    assert [kind for kind, _ in sharer.run("return told;")].count("joined") == 2


# What peers and hubs do that keep to the frames, against the page's own code with a hub in its memory: by the name of the case, and
# what it must come to.
CASES = {
    "numbers": {"served": [200, 200], "seen": 1, "after": [0, "unreachable", 200]},
    "filling": {"documents": [1000, 413], "confirmations": [1000, 413], "bodies": [201] * 7 + [413], "many": 413},
    "sessions": {"asked": 1, "made": 1},
    "questions": {"asked": 2, "busy": {"refusal": "busy"}},
    "forgetting": {
        "listed": ["refused", 0], "ticket": "ticket", "asked": "forbidden", "failure": "Error", "gone": 0,
    },
    "strangers": ["new", "known"],
    "places": {"questions": 6, "refused": ["busy", "busy"], "room": False},
    "hubs": [{"number": 1}, 0, 1, "unreachable"],
    "junk": {"left": 0, "most": 1, "few": True, "status": 200},
}


@pytest.fixture(scope="module")
def hostile_page(chromium, pages):
    """A page for all of these cases, which fail if anything goes wrong in it unnoticed."""
    page = chromium.open(f"{pages.origin}/hostile.html")
    yield page
    problems = page.problems()
    page.close()
    assert problems == []


@pytest.mark.parametrize("case", CASES)
def test_a_page_keeps_its_bounds_against_a_hostile_peer(hostile_page, case):
    assert hostile_page.run(f"return {case}();") == CASES[case]


def test_a_page_keeps_each_ticket_and_forgets_who_is_forgotten(hostile_page, name):
    assert hostile_page.run("return keeping(arguments[0]);", name) == {
        "counts": [2, 2], "other": True, "revoked": "ticket", "claims": 1, "kept": 0,
    }


def test_a_page_writes_no_passwords_and_no_shares_that_have_ended_and_sweeps_none_that_live(hostile_page):
    outcome = hostile_page.run("return records();")
    outcome.pop("fingerprint")
    assert outcome == {
        "names": ["my notes", "100%", "database", "notes"], "peers": ["database", "database"], "ended": ["AbortError", 0],
        "undated": 1, "dated": 0, "down": "down", "up": None,
    }


def test_a_lease_without_end_and_a_list_that_fails_hold_up_nothing(hostile_page):
    assert hostile_page.run("return leases();") == {"names": ["far"], "told": ["next"], "timers": True}


def test_a_feed_that_is_silent_is_asked_anew(hostile_page):
    assert hostile_page.run("return silence();") == {
        "silent": {"changes": [], "position": "1"}, "alive": {"changes": [], "position": "5"},
    }


def test_a_share_that_is_closed_leaves_nothing_at_work(hostile_page):
    assert hostile_page.run("return closing();") == {"before": 2, "after": 1, "status": 200}


def test_answers_that_nobody_reads_hold_up_no_others(hostile_page):
    assert hostile_page.run("return unread();") == {"size": 5_000_000, "kept": 0, "late": 250_000, "headers": ["etag"]}
    assert hostile_page.run("return dropping();") == 1
    hostile_page.front().execute_cdp_cmd("HeapProfiler.collectGarbage", {})
    assert hostile_page.run("""
        for (let look = 0; look < 100 && held.machine.streams.all.length > 0; look++) await new Promise((resolve) => setTimeout(resolve, 20));
        return held.machine.streams.all.length;
    """) == 0


def test_more_shares_than_are_asked_for_within_a_second_are_opened(hostile_page):
    assert hostile_page.run("return manyShares();") == {"numbers": 24, "last": 24, "ended": None, "status": 200}
