"""Vectors of tickets (11)."""

from parties import HUB, SECRET, OTHER_SECRET, UUID, ID, OTHER_UUID, OTHER_ID
from protocol import b64, ticket_keys, ticket_text


def tickets():
    tid, kt = ticket_keys(SECRET, UUID)
    text = ticket_text(UUID, SECRET, HUB)
    long_hub = "https://hub.example/" + "h" * (1024 - 20)
    negative = []

    def no(name, text, verdict):
        negative.append({"name": name, "text": text, "verdict": verdict})

    no("nothing", "", "form")
    no("no prefix", text[4:], "form")
    no("another prefix", "pp2-" + text[4:], "form")
    no("a padded text", text + "=", "form")
    no("a character of no alphabet", text[:-1] + "1", "form")
    no("a Kelvin sign for k", text.replace("k", "\u212a", 1) if "k" in text else text + "\u212a", "form")
    no("white space within", text[:20] + " " + text[20:], "form")
    no("too long", text + "a" * 4096, "form")
    no("cut in the middle", text[: 4 + 40], "checksum")
    for at in (5, 20, 40, len(text) - 12):
        no(f"another character at {at}", text[:at] + ("b" if text[at] != "b" else "c") + text[at + 1 :], "checksum")
    no("version 2", ticket_text(UUID, SECRET, HUB, version=2), "contents")
    no("a UUID of version 4", ticket_text(bytes(6) + b"\x40" + bytes(1) + b"\x80" + bytes(7), SECRET, HUB), "contents")
    no("a UUID of another variant", ticket_text(UUID[:8] + bytes([UUID[8] & 0x3F]) + UUID[9:], SECRET, HUB), "contents")
    no("no hub", ticket_text(UUID, SECRET, ""), "contents")
    no("a user and a password", ticket_text(UUID, SECRET, "https://user:secret@hub.example/hub"), "contents")
    no("a user", ticket_text(UUID, SECRET, "https://user@hub.example/hub"), "contents")
    no("a line break in the hub", ticket_text(UUID, SECRET, HUB + "\n"), "contents")
    no("a hub that is not UTF-8", ticket_text(UUID, SECRET, b"https://hub.example/\xff"), "contents")
    no("a longer length", ticket_text(UUID, SECRET, HUB, length=len(HUB) + 1), "contents")
    no("a shorter length", ticket_text(UUID, SECRET, HUB, length=len(HUB) - 1), "contents")
    no("a hub of 1025 bytes", ticket_text(UUID, SECRET, long_hub + "h"), "form")
    return {
        "tickets": [
            {
                "id": ID,
                "uuid": b64(UUID),
                "secret": b64(SECRET),
                "hub": HUB,
                "text": text,
                "tid": b64(tid),
                "kT": b64(kt),
            },
            {
                "id": OTHER_ID,
                "uuid": b64(OTHER_UUID),
                "secret": b64(OTHER_SECRET),
                "hub": long_hub,
                "text": ticket_text(OTHER_UUID, OTHER_SECRET, long_hub),
                "tid": b64(ticket_keys(OTHER_SECRET, OTHER_UUID)[0]),
                "kT": b64(ticket_keys(OTHER_SECRET, OTHER_UUID)[1]),
            },
        ],
        "alsoRead": [text.upper(), "  " + text + "\n"],
        "negative": negative,
    }
