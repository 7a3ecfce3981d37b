"""Vectors of offers (5, 6)."""

import json

from parties import (
    HUB,
    SHARER,
    OPENER,
    STRANGER,
    EPOCH,
    OLD_EPOCH,
    E,
    E2,
    SALT,
    SID,
    OTHER_SID,
    SECRET,
    OTHER_SECRET,
    UUID,
    ID,
    OTHER_ID,
    STRANGER_ID,
    OPENER_ICE,
    flipped,
    changed,
)
from protocol import b64, compressed, der, digest, fixed, joined, offer_body, offer_parts, off_curve, ticket_keys, unb64


def make_offer(ticket=True, key=E, sid=SID, epoch=EPOCH, share=ID, owner=SHARER, signer=OPENER, **changes):
    tid, kt = ticket_keys(SECRET, UUID)
    body = offer_body(signer.public, OPENER_ICE, {"who": "Ötzi"}, tid if ticket else None)
    return offer_parts(
        share=share,
        owner=owner,
        epoch=epoch,
        key=key,
        sid=sid,
        signer=signer,
        kt=kt if ticket else None,
        body=body,
        **changes,
    )


def offers():
    offer = make_offer()
    document, header, c = offer["document"], unb64(offer["h"]), unb64(offer["c"])
    negative = []

    def no(name, document, verdict, **more):
        negative.append({"name": name, "document": document, "verdict": verdict, **more})

    def with_header(*parts, sender=None, recipient=None):
        new = changed(document, h=joined(*parts))
        return changed(new, **{k: v for k, v in (("sender", sender), ("recipient", recipient)) if v})

    def says(verdict, title, /, drop=None, pad=1024, raw=None, **members):
        """An opener that signs whatever it likes."""
        if raw is None:
            body = {**json.loads(offer["body"]), **members}
            body.pop(drop, None)
            raw = json.dumps(body, separators=(",", ":"), ensure_ascii=False)
        kt = ticket_keys(SECRET, UUID)[1] if drop != "tid" else None
        made = offer_parts(share=ID, owner=SHARER, epoch=EPOCH, key=E, sid=SID, signer=OPENER, kt=kt, body=raw, pad=pad)
        no(title, made["document"], verdict)

    def sealed(verdict, name, **changes):
        no(name, make_offer(**changes)["document"], verdict)

    no("over 16 KiB", changed(document, c=c + bytes(12288)), "size")
    no("another type", changed(document, type="com.stemstorage.peerpouch.share"), "form")
    no("another version", changed(document, v=2), "form")
    no("the document id of a sharer", changed(document, id=document["_id"].replace("p-", "s-", 1)), "form")
    no("a document id without UUID", changed(document, id="p-signal-1"), "form")
    no("no header", changed(document, h=None), "form")
    no("no ciphertext", changed(document, c=None), "form")
    no("no sender", changed(document, sender=None), "form")
    no("a flipped bit in the label", changed(document, h=flipped(header, 4)), "form")
    no("a flipped bit in a length", changed(document, h=flipped(header, 3)), "form")
    no("a byte after the header", changed(document, h=header + b"\0"), "form")
    at = header.index(EPOCH.public)
    no("a flipped bit in the epoch", changed(document, h=flipped(header, at + 20)), "form")
    at = header.index(E.public)
    no("a flipped bit in E", changed(document, h=flipped(header, at + 20)), "form")
    parts = ["pp1 offer", ID, EPOCH.public, E.public, SID]
    no("E compressed", with_header(*parts[:3], compressed(E.public), SID), "form")
    no("E off the curve", with_header(*parts[:3], off_curve(E.public), SID), "form")
    no("the point at infinity for E", with_header(*parts[:3], b"\0", SID), "form")
    no("the epoch compressed", with_header(*parts[:2], compressed(EPOCH.public), *parts[3:]), "form")
    no("a short session id", with_header(*parts[:4], SID[:15]), "form")
    no("an answer's header", with_header("pp1 answer", SID, digest(c), E.public), "form")
    no("another share in the header", with_header("pp1 offer", OTHER_ID, *parts[2:]), "id")
    no("another share as recipient", changed(document, recipient=OTHER_ID), "id")
    no("a flipped bit in the sender", changed(document, sender=b64(flipped(SID, 3))), "id")
    no("another session in the header", with_header(*parts[:4], OTHER_SID), "id")
    sealed("id", "an offer to another share", share=OTHER_ID)
    sealed("id", "an offer to a stranger's share", share=STRANGER_ID, owner=STRANGER)
    sealed("epoch", "an old epoch", epoch=OLD_EPOCH)
    no("another epoch in the header", with_header(*parts[:2], OLD_EPOCH.public, *parts[3:]), "epoch")
    no("the same again", document, "replay", before=[document])
    no("other contents with the same E", make_offer(sid=OTHER_SID)["document"], "replay", before=[document])
    no("another E in the header", with_header(*parts[:3], E2.public, SID), "decryption")
    no("another session in header and sender", with_header(*parts[:4], OTHER_SID, sender=b64(OTHER_SID)), "decryption")
    no("a flipped bit in the ciphertext", changed(document, c=flipped(c, 100)), "decryption")
    no("a flipped bit in the tag", changed(document, c=flipped(c, len(c) - 1)), "decryption")
    no("a cut ciphertext", changed(document, c=c[:-1]), "decryption")
    no("less than a tag", changed(document, c=c[:15]), "decryption")
    sealed("decryption", "nonce 1", number=1)
    sealed("body", "no signature among the parts", parts=lambda body, code, sig: joined(body, code))
    sealed("body", "a part too many", parts=lambda body, code, sig: joined(body, code, sig, b""))
    sealed("body", "a code of 31 bytes", parts=lambda body, code, sig: joined(body, code[:31], sig))
    sealed("body", "a ticket's id without a code", parts=lambda body, code, sig: joined(body, b"", sig))
    sealed(
        "body", "a code without a ticket's id", ticket=False, parts=lambda body, code, sig: joined(body, bytes(32), sig)
    )
    says("body", "not padded", pad=1)
    says("body", "no JSON", raw="{")
    says("body", "nested too deep", info=json.loads("[" * 200 + "]" * 200))
    says("body", "no key", drop="key")
    says("body", "a compressed key", key=b64(compressed(OPENER.public)))
    says("body", "a key off the curve", key=b64(off_curve(OPENER.public)))
    says("body", "no ice", drop="ice")
    says("body", "a short ufrag", ice={**OPENER_ICE["ice"], "ufrag": "abc"})
    says("body", "a ufrag with a line break", ice={**OPENER_ICE["ice"], "ufrag": "abcd\r\na=x"})
    says("body", "a ufrag of 257 characters", ice={**OPENER_ICE["ice"], "ufrag": "a" * 257})
    says("body", "a short pwd", ice={**OPENER_ICE["ice"], "pwd": "a" * 21})
    says("body", "a pwd with a space", ice={**OPENER_ICE["ice"], "pwd": "a" * 21 + " "})
    says("body", "no fingerprint", drop="fp")
    says("body", "a second fingerprint", fp=[OPENER_ICE["fp"], b64(fixed("another certificate", 32))])
    says("body", "two fingerprints in one", fp=b64(fixed("a", 32) + fixed("b", 32)))
    says("body", "a SHA-1 fingerprint", fp=b64(fixed("a", 20)))
    says("body", "no candidates", drop="cands")
    says("body", "25 candidates", cands=[OPENER_ICE["cands"][0]] * 25)
    for name, candidate in [
        ("a line break that brings a fingerprint", OPENER_ICE["cands"][0] + "\r\na=fingerprint:sha-256 00:11"),
        ("no candidate", "x"),
        ("a number", 7),
        ("an address out of range", "candidate:1 1 udp 1 256.0.0.1 1 typ host"),
        ("an address with leading zeros", "candidate:1 1 udp 1 010.0.0.1 1 typ host"),
        ("an IPv6 address with a zone", "candidate:1 1 udp 1 fe80::1%eth0 1 typ host"),
        ("an IPv6 address with two gaps", "candidate:1 1 udp 1 1::2::3 1 typ host"),
        ("a host name", "candidate:1 1 udp 1 example.org 1 typ host"),
        ("port 0", "candidate:1 1 udp 1 192.0.2.1 0 typ host"),
        ("port 65536", "candidate:1 1 udp 1 192.0.2.1 65536 typ host"),
        ("another transport", "candidate:1 1 dccp 1 192.0.2.1 1 typ host"),
        ("an unknown type", "candidate:1 1 udp 1 192.0.2.1 1 typ magic"),
        ("a priority of eleven digits", "candidate:1 1 udp 10000000000 192.0.2.1 1 typ host"),
        ("a name without value", "candidate:1 1 udp 1 192.0.2.1 1 typ host generation"),
        ("two spaces", "candidate:1 1 udp 1  192.0.2.1 1 typ host"),
        ("513 bytes", "candidate:1 1 udp 1 192.0.2.1 1 typ host x " + "y" * (513 - 43)),
    ]:
        says("body", "a candidate of " + name, cands=[candidate])
    says("body", "no info", drop="info")
    says("body", "an info of over 2 KiB", info="x" * 2047)
    says("body", "a ticket's id of 15 bytes", tid=b64(bytes(15)))
    sealed(
        "signature",
        "a flipped bit in the signature",
        parts=lambda body, code, sig: joined(body, code, flipped(sig, 33)),
    )
    sealed("signature", "a signature in DER", parts=lambda body, code, sig: joined(body, code, der(sig)))
    sealed("signature", "a flipped bit in the code", parts=lambda body, code, sig: joined(body, flipped(code, 0), sig))
    sealed(
        "signature",
        "a flipped bit in the body",
        parts=lambda body, code, sig: joined(body.replace(b"oPeN", b"oPeO"), code, sig),
    )
    sealed("signature", "a signature for a stranger's share", signed_for=STRANGER)
    sealed("signature", "a signature by a stranger", actual_signer=STRANGER)
    sealed("signature", "a signature with the label of answers", label="pp1 answer sig")
    tid, _ = ticket_keys(OTHER_SECRET, UUID)
    no("an unknown ticket", make_offer(tid=tid)["document"], "gate")
    sealed("gate", "a code made with another ticket", kt_used=ticket_keys(OTHER_SECRET, UUID)[1])
    sealed("gate", "a code made for another owner", code_for=STRANGER)
    no("no ticket", make_offer(ticket=False)["document"], "gate")
    plain = make_offer(ticket=False, key=E2, sid=OTHER_SID)
    return {
        "sharer": SHARER.json(),
        "opener": OPENER.json(),
        "epoch": EPOCH.json(),
        "salt": b64(SALT),
        "id": ID,
        "ticketSecret": b64(SECRET),
        "hub": HUB,
        "offers": [
            {"E": E.json(), "sid": b64(SID), **offer},
            {"E": E2.json(), "sid": b64(OTHER_SID), **plain},
        ],
        "negative": negative,
    }
