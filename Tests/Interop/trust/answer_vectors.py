"""Vectors of answers (7)."""

from offer_vectors import make_offer
from parties import (
    OPENER_ICE,
    SHARER,
    OPENER,
    STRANGER,
    E,
    E2,
    F,
    F2,
    SID,
    OTHER_SID,
    ID,
    OTHER_ID,
    SHARER_ICE,
    flipped,
    changed,
)
from protocol import accepted_body, answer_parts, b64, compressed, der, digest, joined, off_curve, unb64


def make_answer(offer, body, key=F, **changes):
    return answer_parts(
        offer=offer,
        share=ID,
        sid=unb64(offer["document"]["sender"]),
        opener_key=changes.pop("offer_key", E),
        opener=changes.pop("opener", OPENER),
        key=key,
        body=body,
        **{"signer": SHARER, **changes},
    )


def answers():
    offer, other = make_offer(), make_offer(ticket=False, key=E2, sid=SID)
    accepted = accepted_body(SHARER_ICE)
    refused = '{"ok":false,"error":"forbidden"}'
    answer = make_answer(offer, accepted)
    document, header, c = answer["document"], unb64(answer["h"]), unb64(answer["c"])
    negative = []

    def no(name, document, verdict):
        negative.append({"name": name, "document": document, "verdict": verdict})

    def sealed(verdict, name, body=accepted, offer=offer, **changes):
        no(name, make_answer(offer, body, **changes)["document"], verdict)

    def with_header(*parts):
        return changed(document, h=joined(*parts))

    parts = ["pp1 answer", SID, digest(unb64(offer["c"])), F.public]
    no("over 16 KiB", changed(document, c=c + bytes(12288)), "size")
    no("another type", changed(document, type="x"), "form")
    no("the document id of an opener", changed(document, id=document["_id"].replace("s-", "p-", 1)), "form")
    no("the offer itself", offer["document"], "form")
    no("the offer under a sharer's id", changed(offer["document"], id=document["_id"]), "form")
    no("a flipped bit in the label", changed(document, h=flipped(header, 5)), "form")
    no("a flipped bit in F", changed(document, h=flipped(header, len(header) - 10)), "form")
    no("F compressed", with_header(*parts[:3], compressed(F.public)), "form")
    no("F off the curve", with_header(*parts[:3], off_curve(F.public)), "form")
    no("a short digest", with_header(*parts[:2], parts[2][:31], F.public), "form")
    no("another session in the header", with_header("pp1 answer", OTHER_SID, *parts[2:]), "id")
    no("another recipient", changed(document, recipient=b64(OTHER_SID)), "id")
    no("another sender", changed(document, sender=OTHER_ID), "id")
    no("sender and recipient swapped", changed(document, sender=b64(SID), recipient=ID), "id")
    no("a flipped bit in the digest", with_header(*parts[:2], flipped(parts[2], 9), F.public), "offer")
    sealed("offer", "an answer to another offer of the session", offer=other, offer_key=E2)
    no("another F in the header", with_header(*parts[:3], F2.public), "decryption")
    no("a flipped bit in the ciphertext", changed(document, c=flipped(c, 30)), "decryption")
    no("a flipped bit in the tag", changed(document, c=flipped(c, len(c) - 16)), "decryption")
    sealed("decryption", "nonce 1", number=1)
    sealed("decryption", "the key for further candidates", which=1)
    sealed("decryption", "keys without the epoch", without_epoch=True)
    sealed("body", "no signature among the parts", parts=lambda body, sig: joined(body))
    sealed("body", "ok as a text", body=accepted.replace("true", '"true"'))
    sealed("body", "neither accepted nor refused", body="{}")
    sealed("body", "accepted without a fingerprint", body=accepted.replace('"fp"', '"pf"'))
    sealed(
        "body",
        "a second fingerprint",
        body=accepted.replace(
            '"fp":"' + SHARER_ICE["fp"] + '"', '"fp":["' + SHARER_ICE["fp"] + '","' + OPENER_ICE["fp"] + '"]'
        ),
    )
    sealed("body", "refused without a reason", body='{"ok":false}')
    sealed("body", "refused with a long reason", body='{"ok":false,"error":"' + "x" * 129 + '"}')
    sealed("signature", "a signature by a stranger", signer=STRANGER)
    sealed("signature", "a signature by the opener: swapped roles", signer=OPENER, opener=SHARER)
    sealed("signature", "a signature for a stranger", opener=STRANGER)
    sealed("signature", "the label of offers", label="pp1 offer sig")
    sealed("signature", "a signature in DER", parts=lambda body, sig: joined(body, der(sig)))
    sealed("signature", "a flipped bit in the signature", parts=lambda body, sig: joined(body, flipped(sig, 63)))
    sealed(
        "signature",
        "a refusal turned into an acceptance",
        body=refused,
        parts=lambda body, sig: joined(accepted.encode(), sig),
    )
    sealed("signature", "a signature over another offer", signed_offer=unb64(other["tO"]))
    return {
        "offer": offer["document"],
        "F": F.json(),
        "accepted": answer,
        "refused": make_answer(offer, refused, key=F2) | {"F": F2.json(), "error": "forbidden"},
        "negative": negative,
    }
