"""Who takes part in the vectors, and how documents are changed for the negative ones."""

import copy

from protocol import Key, b64, fixed, share_id

HUB = "https://hub.example/hub"
SHARER, OPENER, STRANGER = Key("sharer"), Key("opener"), Key("stranger")
EPOCH, OLD_EPOCH = Key("epoch"), Key("old epoch")
E, E2, F, F2 = Key("offer"), Key("offer 2"), Key("answer"), Key("answer 2")
SALT, OTHER_SALT = fixed("salt", 16), fixed("other salt", 16)
SID, OTHER_SID = fixed("session", 16), fixed("other session", 16)
SECRET, OTHER_SECRET = fixed("ticket", 16), fixed("other ticket", 16)
UUID, ID = share_id(SHARER, SALT)
OTHER_UUID, OTHER_ID = share_id(SHARER, OTHER_SALT)
STRANGER_UUID, STRANGER_ID = share_id(STRANGER, SALT)

OPENER_ICE = {
    "ice": {"ufrag": "oPeN", "pwd": "open/open+open0123456789"},
    "fp": b64(fixed("opener's certificate", 32)),
    "cands": [
        "candidate:1 1 udp 2130706431 192.0.2.10 50000 typ host",
        "candidate:842163049 1 udp 1677729535 198.51.100.7 46154 typ srflx raddr 192.0.2.10 rport 50000 generation 0",
        "candidate:3 1 UDP 2130706430 6b2a1a0e-6a9c-4ac7-9d0a-5f3f0c1f2a3b.local 50001 typ host",
    ],
}
SHARER_ICE = {
    "ice": {"ufrag": "sHaR", "pwd": "share/share+share0123456"},
    "fp": b64(fixed("sharer's certificate", 32)),
    "cands": [
        "candidate:1 1 udp 2130706431 2001:db8::1 40000 typ host",
        "candidate:2 1 tcp 1518280447 203.0.113.5 9 typ host tcptype active",
    ],
}


def flipped(data, at, bit=1):
    changed = bytearray(data)
    changed[at] ^= bit
    return bytes(changed)


def changed(document, **members):
    """The document with members of `peerpouch` (h, c, r, g, v) or of its own replaced; None removes one."""
    new = copy.deepcopy(document)
    for name, value in members.items():
        target = new["peerpouch"] if name in ("h", "c", "r", "g", "v") else new
        name = "_id" if name == "id" else name
        if value is None:
            del target[name]
        else:
            target[name] = b64(value) if isinstance(value, bytes) else value
    return new
