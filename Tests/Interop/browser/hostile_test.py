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
