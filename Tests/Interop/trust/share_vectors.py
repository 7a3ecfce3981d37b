"""Vectors of share documents (2, 3)."""

import copy

from parties import SHARER, STRANGER, EPOCH, SALT, OTHER_SALT, ID, OTHER_ID, STRANGER_ID, flipped, changed
from protocol import b64, compressed, der, fp32, off_curve, record, record_text, share_document, unb64


def shares():
    base = record(SHARER, SALT, n=7, epoch=EPOCH.public, info={"kind": "notes", "size": 1.50, "ü": None})
    text = record_text(base)
    document = share_document(SHARER, base)
    negative = []

    def no(name, document, verdict, **more):
        negative.append({"name": name, "document": document, "verdict": verdict, **more})

    def says(verdict, title, /, signer=SHARER, **members):
        new = {**base, **members}
        new = {key: value for key, value in new.items() if value is not ...}
        made = share_document(signer, new)
        made["_id"] = base["id"]
        no(title, made, verdict)

    r, g = text.encode(), unb64(document["peerpouch"]["g"])
    no("another type", changed(document, type="com.stemstorage.peerpouch.signal"), "form")
    no("no type", changed(document, type=None), "form")
    no("another version", changed(document, v=2), "form")
    no("no record", changed(document, r=None), "form")
    no("no signature", changed(document, g=None), "form")
    no("padded base64", changed(document, g=document["peerpouch"]["g"] + "=="), "form")
    no("base64 with unused bits", changed(document, g=document["peerpouch"]["g"][:-1] + "B"), "form")
    no("a flipped bit in r", changed(document, g=flipped(g, 5)), "signature")
    no("a flipped bit in s", changed(document, g=flipped(g, 40)), "signature")
    no("a signature in DER", changed(document, g=der(g)), "form")
    no("a signature of zeros", changed(document, g=bytes(64)), "signature")
    no("another name than was signed", changed(document, r=text.replace("notes", "motes").encode()), "signature")
    no("white space that was not signed", changed(document, r=r + b" "), "signature")
    no("no JSON", changed(document, r=r[:-1]), "body")
    no("an array", changed(document, r=b"[]"), "body")
    no("the id of another share of the sharer", changed(document, id=OTHER_ID), "id")
    no("the id of a stranger's share", changed(document, id=STRANGER_ID), "id")
    no("a signature of a stranger", share_document(STRANGER, base), "signature")
    stranger = record(STRANGER, SALT, n=7, epoch=EPOCH.public)
    no("a stranger's record under the sharer's id", {**share_document(STRANGER, stranger), "_id": base["id"]}, "id")
    says("id", "a stranger's key in the sharer's record", signer=STRANGER, key=b64(STRANGER.public))
    says("id", "another salt", salt=b64(OTHER_SALT))
    says("id", "an id with a flipped bit within", id=ID[:-1] + ("0" if ID[-1] != "0" else "1"))
    says("body", "a compressed key", key=b64(compressed(SHARER.public)))
    says("body", "a key off the curve", key=b64(off_curve(SHARER.public)))
    says("body", "a compressed epoch", epoch=b64(compressed(EPOCH.public)))
    says("body", "an epoch off the curve", epoch=b64(off_curve(EPOCH.public)))
    says("body", "a short salt", salt=b64(SALT[:15]))
    says("body", "number 0", n=0)
    says("body", "a number beyond JavaScript's", n=2**53)
    says("body", "a number as text", n="7")
    says("body", "a broken number", n=7.5)
    says("body", "a name of 129 bytes", name="é" * 64 + "e")
    says("body", "an info of over 2 KiB", info={"a": "x" * 2048})
    says("body", "an unknown access", access="admin")
    says("body", "no way through the gate", gate=[])
    says("body", "an unknown way", gate=["magic"])
    says("body", "a way twice", gate=["ticket", "ticket"])
    says("body", "anyone beside a ticket", gate=["ticket", "anyone"])
    says("body", "a negative lease", lease=-1)
    for member in base:
        says("body", f"no {member}", **{member: ...})
    says("size", "a record of over 8 KiB", more="x" * 8192)
    huge = copy.deepcopy(document)
    huge["info"] = {"x": "x" * 16384}
    no("a document of over 16 KiB", huge, "size")

    older = share_document(SHARER, {**base, "n": 6})
    newer = share_document(SHARER, {**base, "n": 8, "name": "newer"})
    broken = changed(share_document(SHARER, {**base, "n": 9}), g=flipped(g, 1))
    no("a number below one seen before", older, "number", before=[document])
    return {
        "sharer": SHARER.json(),
        "fingerprint": fp32(SHARER.public),
        "salt": b64(SALT),
        "id": ID,
        "r": text,
        "g": document["peerpouch"]["g"],
        "document": document,
        "alsoValid": [
            share_document(SHARER, {**base, "name": "é" * 64, "info": None, "access": "inbox", "gate": ["anyone"]}),
            share_document(SHARER, {**base, "n": 2**53 - 1, "later": {"x": [1]}, "gate": ["ask", "allow"]}),
            changed(document, name="ignored", info={"also": "ignored"}, data=7),
        ],
        "leaves": [
            {"documents": [older, newer, document, broken], "n": 8},
            {"documents": [broken, older], "n": 6},
        ],
        "negative": negative,
    }
