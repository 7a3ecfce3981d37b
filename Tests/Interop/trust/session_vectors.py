"""Vectors of what follows an answer (8, 10)."""

import json

from answer_vectors import make_answer
from offer_vectors import make_offer
from parties import SID, OTHER_SID, OTHER_SECRET, ID, OTHER_UUID, OTHER_ID, SHARER_ICE, flipped, changed
from protocol import accepted_body, aead, b64, joined, mac, open_message, signal, ticket_keys, unb64


def sessions():
    offer = make_offer()
    answer = make_answer(offer, accepted_body(SHARER_ICE))
    keys = [unb64(answer[name]) for name in ("kA", "kSO", "kOS", "kB")]
    t = unb64(answer["T"])

    def more(
        role, n, body=None, key=None, direction=None, nonce=None, sid=SID, label="pp1 more", seal_header=None, **doc
    ):
        direction = direction or ("SO" if role == "sharer" else "OS")
        key = key or (keys[1] if role == "sharer" else keys[2])
        body = body or json.dumps(
            {
                "cands": [
                    f"candidate:{n} 1 udp {n} 192.0.2.{100 + n % 100} 5{n % 10000:04} typ relay raddr 0.0.0.0 rport 0"
                ]
            },
            separators=(",", ":"),
        )
        h = joined(label, sid, direction, n)
        c = aead(key, n if nonce is None else nonce, seal_header or h, body.encode())
        document = signal(role, ID, sid, h, c, f"more {role} {n} {len(body)}")
        return {
            "n": n,
            "h": b64(h),
            "body": body,
            "c": b64(c),
            "document": changed(document, **doc) if doc else document,
        }

    rows = {role: [more(role, n) for n in (1, 2, 8)] for role in ("sharer", "opener")}
    first = rows["sharer"][0]
    document = first["document"]
    negative = []

    def no(name, document, verdict, before=()):
        """Read by the opener."""
        negative.append({"name": name, "document": document, "verdict": verdict, "before": list(before)})

    no("over 16 KiB", changed(document, c=unb64(first["c"]) + bytes(12288)), "size")
    no("another label", more("sharer", 1, label="pp1 most")["document"], "form")
    no("the opener's own, sent back", rows["opener"][0]["document"], "id")
    no(
        "the opener's own under a sharer's id",
        changed(rows["opener"][0]["document"], id=document["_id"], sender=ID, recipient=b64(SID)),
        "id",
    )
    no("the opener's direction", more("sharer", 1, direction="OS")["document"], "id")
    no("another session", more("sharer", 1, sid=OTHER_SID)["document"], "id")
    no("another recipient", changed(document, recipient=b64(OTHER_SID)), "id")
    no("the same again", document, "order", before=[document])
    no("a lower number", document, "order", before=[rows["sharer"][1]["document"]])
    no("number 0", more("sharer", 0)["document"], "order")
    no("number 9", more("sharer", 9)["document"], "order")
    no("another number in the header", changed(document, h=joined("pp1 more", SID, "SO", 2)), "decryption")
    no("another nonce", more("sharer", 1, nonce=2)["document"], "decryption")
    no("the opener's key", more("sharer", 1, key=keys[2])["document"], "decryption")
    no("the answer's key", more("sharer", 1, key=keys[0])["document"], "decryption")
    no("a flipped bit", changed(document, c=flipped(unb64(first["c"]), 7)), "decryption")
    no("no candidates", more("sharer", 1, body='{"cands":[]}')["document"], "body")
    no(
        "more than 24 with those of the answer",
        more("sharer", 1, body=json.dumps({"cands": [SHARER_ICE["cands"][0]] * 23}))["document"],
        "body",
    )
    no(
        "a candidate with a line break",
        more("sharer", 1, body=json.dumps({"cands": [SHARER_ICE["cands"][0] + "\na=x"]}))["document"],
        "body",
    )

    hello = {role: mac(keys[3], joined("pp1 hello", role, t)) for role in ("sharer", "opener")}
    tid, kt = ticket_keys(OTHER_SECRET, OTHER_UUID)
    opens = []
    for requester in ("sharer", "opener"):
        opens.append(
            {
                "requester": requester,
                "id": OTHER_ID,
                "ticketSecret": b64(OTHER_SECRET),
                "tid": b64(tid),
                "mac": b64(mac(kt, open_message(OTHER_ID, t, requester))),
            }
        )
    return {
        "T": b64(t),
        "kSO": b64(keys[1]),
        "kOS": b64(keys[2]),
        "kB": b64(keys[3]),
        "more": rows,
        "hello": {role: b64(code) for role, code in hello.items()},
        "opens": opens,
        "negative": negative,
    }
