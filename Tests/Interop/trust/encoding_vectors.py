"""Vectors of the encodings and primitives."""

import base64

from protocol import aead, b64, digest, fixed, hkdf, joined, mac


def encodings():
    samples = [b"", b"f", b"fo", b"foo", b"foob", b"fooba", b"foobar", bytes(range(256))]
    refused64 = ["A", "AA==", "AB", "AAB", "A+", "A/", "AA\n", " AA", "A=AA"]
    refused32 = ["a", "aa======", "ab", "AA", "a1", "aaa", "aaaaaa", "aa "]
    key = fixed("key", 32)
    return {
        "base64url": [{"bytes": data.hex(), "text": b64(data)} for data in samples],
        "base64urlRefused": refused64,
        "base32": [
            {"bytes": data.hex(), "text": base64.b32encode(data).decode().rstrip("=").lower()} for data in samples
        ],
        "base32Refused": refused32,
        "L": [
            {"parts": [], "bytes": b64(joined())},
            {"parts": [{"text": ""}], "bytes": b64(joined(""))},
            {
                "parts": [{"text": "pp1 é"}, {"integer": 7}, {"bytes": b64(b"\0\xff")}],
                "bytes": b64(joined("pp1 é", 7, b"\0\xff")),
            },
            {"parts": [{"integer": 0xFFFFFFFF}], "bytes": b64(joined(0xFFFFFFFF))},
        ],
        "primitives": {
            "key": b64(key),
            "message": b64(b"message"),
            "H": b64(digest(b"message")),
            "HMAC": b64(mac(key, b"message")),
            "HKDF": b64(hkdf(key, salt=b"salt", info="info", count=48)),
            "number": 258,
            "aad": b64(b"header"),
            "AEAD": b64(aead(key, 258, b"header", b"message")),
        },
    }
