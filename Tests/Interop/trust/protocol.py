"""The handshake `pp1` of docs/signalling-protocol.md, as functions, with knobs to get it wrong for negative vectors."""

import base64
import hashlib
import hmac
import json
import struct

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
SHARE_TYPE = "com.stemstorage.peerpouch.share"
SIGNAL_TYPE = "com.stemstorage.peerpouch.signal"


# Encodings


def b64(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def b32(data):
    return base64.b32encode(data).decode().rstrip("=").lower()


def joined(*parts):
    """L(x, …)"""
    out = b""
    for part in parts:
        if isinstance(part, str):
            part = part.encode()
        elif isinstance(part, int):
            part = struct.pack(">I", part)
        out += struct.pack(">I", len(part)) + part
    return out


def compact(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def uuid_text(data):
    text = data.hex()
    return "-".join([text[:8], text[8:12], text[12:16], text[16:20], text[20:]])


# Primitives


def digest(data):
    return hashlib.sha256(data).digest()


def mac(key, message):
    return hmac.new(key, message, hashlib.sha256).digest()


def hkdf(secret, salt, info, count):
    """HKDF"""
    return HKDF(hashes.SHA256(), count, salt, info.encode()).derive(secret)


def aead(key, number, header, text):
    return AESGCM(key).encrypt(number.to_bytes(12, "big"), text, header)


def fixed(name, count):
    """Bytes that look random and are always the same."""
    return digest(b"vector: " + name.encode())[:count]


class Key:
    """A P-256 key derived from a name."""

    def __init__(self, name):
        number = int.from_bytes(fixed("key " + name, 32), "big") % (ORDER - 1) + 1
        self.scalar = number.to_bytes(32, "big")
        self.private = ec.derive_private_key(number, ec.SECP256R1())
        self.public = self.private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    def json(self):
        return {"scalar": b64(self.scalar), "public": b64(self.public)}

    def sign(self, message):
        """r‖s"""
        signature = self.private.sign(message, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))
        r, s = decode_dss_signature(signature)
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    def agree(self, public):
        """ECDH"""
        point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), public)
        return self.private.exchange(ec.ECDH(), point)


def der(signature):
    return encode_dss_signature(int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big"))


def compressed(public):
    return bytes([2 + (public[64] & 1)]) + public[1:33]


def off_curve(public):
    return public[:64] + bytes([public[64] ^ 1])


def fp32(public):
    return b32(digest(public))


# Shares (2, 3)


def share_id(owner, salt):
    data = bytearray(digest(joined("pp1 share", owner.public, salt))[:16])
    data[6] = 0x80 | data[6] & 0x0F
    data[8] = 0x80 | data[8] & 0x3F
    return bytes(data), "share-" + uuid_text(bytes(data))


def record(owner, salt, n, epoch, name="notes", info=None, access="read-write", gate=("ticket",), lease=1767226500):
    return {
        "id": share_id(owner, salt)[1],
        "key": b64(owner.public),
        "salt": b64(salt),
        "n": n,
        "epoch": b64(epoch),
        "name": name,
        "info": {} if info is None else info,
        "access": access,
        "gate": list(gate),
        "lease": lease,
    }


def record_text(members):
    return compact(members)


def share_document(signer, members):
    r = record_text(members).encode()
    return {
        "_id": members.get("id", "share-"),
        "type": SHARE_TYPE,
        "name": members.get("name", ""),
        "info": members.get("info", {}),
        "peerpouch": {"v": 1, "r": b64(r), "g": b64(signer.sign(joined("pp1 record", r)))},
    }


# Signals (5 to 8)


def signal(role, share, sid, h, c, name):
    data = bytearray(fixed("document " + name, 16))
    data[6] = 0x40 | data[6] & 0x0F
    data[8] = 0x80 | data[8] & 0x3F
    ends = (b64(sid), share) if role == "opener" else (share, b64(sid))
    return {
        "_id": ("p" if role == "opener" else "s") + "-signal-" + uuid_text(bytes(data)),
        "type": SIGNAL_TYPE,
        "sender": ends[0],
        "recipient": ends[1],
        "data": None,
        "info": {},
        "peerpouch": {"v": 1, "h": b64(h), "c": b64(c)},
    }


def offer_body(key, ice, info, tid):
    body = {"key": b64(key), **ice, "info": info}
    if tid:
        body["tid"] = b64(tid)
    return compact(body)


def offer_parts(
    share,
    owner,
    epoch,
    key,
    sid,
    signer,
    kt,
    body,
    pad=1024,
    number=0,
    parts=joined,
    signed_for=None,
    code_for=None,
    actual_signer=None,
    label="pp1 offer sig",
    kt_used=None,
    tid=None,
):
    """An offer with all that is computed on the way."""
    h = joined("pp1 offer", share, epoch.public, key.public, sid)
    z = key.agree(epoch.public)
    k = hkdf(z, salt=digest(h), info="pp1 offer", count=32)
    if tid:
        body = compact({**json.loads(body), "tid": b64(tid)})
    body = body.encode()
    body += b" " * (-len(body) % pad)
    t_o = digest(joined(h, body))
    code = mac(kt_used or kt, joined("pp1 ticket", (code_for or owner).public, t_o)) if kt else b""
    sig = (actual_signer or signer).sign(joined(label, (signed_for or owner).public, t_o, code))
    c = aead(k, number, h, parts(body, code, sig))
    return {
        "h": b64(h),
        "Z": b64(z),
        "K": b64(k),
        "body": body.decode(),
        "tO": b64(t_o),
        "mac": b64(code),
        "sig": b64(sig),
        "c": b64(c),
        "document": signal("opener", share, sid, h, c, "offer " + b64(digest(c))),
    }


def accepted_body(ice):
    return compact({"ok": True, **ice})


def session_keys(z, zf, t_o, h):
    keys = hkdf(z + zf, salt=digest(joined(t_o, h)), info="pp1 session", count=128)
    return [keys[at : at + 32] for at in (0, 32, 64, 96)]


def answer_parts(
    offer,
    share,
    sid,
    opener_key,
    opener,
    signer,
    key,
    body,
    number=0,
    parts=joined,
    label="pp1 answer sig",
    which=0,
    without_epoch=False,
    signed_offer=None,
):
    """An answer with all that is computed on the way."""
    t_o, z = unb64(offer["tO"]), unb64(offer["Z"])
    h = joined("pp1 answer", sid, digest(unb64(offer["c"])), key.public)
    zf = key.agree(opener_key.public)
    keys = session_keys(b"" if without_epoch else z, zf, t_o, h)
    t_a = digest(joined(h, body.encode()))
    sig = signer.sign(joined(label, opener.public, signed_offer or t_o, t_a))
    c = aead(keys[which], number, h, parts(body.encode(), sig))
    return {
        "h": b64(h),
        "ZF": b64(zf),
        "kA": b64(keys[0]),
        "kSO": b64(keys[1]),
        "kOS": b64(keys[2]),
        "kB": b64(keys[3]),
        "body": body,
        "tA": b64(t_a),
        "sig": b64(sig),
        "c": b64(c),
        "T": b64(digest(joined(t_o, t_a))),
        "document": signal("sharer", share, sid, h, c, "answer " + b64(digest(c))),
    }


def open_message(share, t, requester):
    """What the code for another share over the same connection is over (10)."""
    return joined("pp1 open", share, t, requester)


# Tickets (11)


def ticket_keys(secret, uuid):
    """tid and kT"""
    return (
        hkdf(secret, salt=uuid, info="pp1 ticket id", count=16),
        hkdf(secret, salt=uuid, info="pp1 ticket key", count=32),
    )


def ticket_text(uuid, secret, hub, version=1, length=None):
    hub = hub.encode() if isinstance(hub, str) else hub
    payload = bytes([version]) + uuid + secret + struct.pack(">H", len(hub) if length is None else length) + hub
    return "pp1-" + b32(payload + digest(payload)[:4])
