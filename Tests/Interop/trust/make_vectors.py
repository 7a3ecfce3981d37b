#!/usr/bin/env python3
"""Writes the test vectors of the handshake, Tests/Fixtures/trust/*.json, independently of PeerPouch's own code.

    make_vectors.py [FOLDER]

It needs the `cryptography` package, 43 or newer. All keys are derived from names and all signatures are deterministic
(RFC 6979), so that another run gives the same bytes. docs/signalling-protocol.md explains the fields. Bytes are written
in base64url; `body` and `r` are written as the text they are.
"""

import json
import pathlib
import sys

from answer_vectors import answers
from encoding_vectors import encodings
from offer_vectors import offers
from session_vectors import sessions
from share_vectors import shares
from ticket_vectors import tickets


def main():
    here = pathlib.Path(__file__).resolve().parent
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else here.parent.parent / "Fixtures" / "trust"
    folder.mkdir(parents=True, exist_ok=True)
    for make in (encodings, shares, offers, answers, sessions, tickets):
        text = json.dumps(make(), indent=1, ensure_ascii=False) + "\n"
        (folder / f"{make.__name__}.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
