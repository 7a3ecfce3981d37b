"""The page's own tunnel, without a connection: the protocol's example, credit, nonsense, time."""

import pathlib
import re

PROTOCOL = pathlib.Path(__file__).resolve().parents[3] / "docs" / "wire-protocol.md"


def example():
    """The blocks of the example in the documentation: who says it, and the bytes."""
    blocks = []
    for side, text in re.findall(r"```hex (\w+)\n(.*?)```", PROTOCOL.read_text(), re.DOTALL):
        digits = "".join(line.partition(";")[0] for line in text.splitlines())
        blocks.append({"side": side, "bytes": list(bytes.fromhex(digits))})
    return blocks


def test_the_example_of_the_documentation_is_what_it_says(open_page):
    outcome = open_page("machine.html").run("return workedExample(arguments[0]);", example())
    assert outcome == {"wrong": [], "ended": "ended"}


def test_credit_is_kept_to(open_page):
    page = open_page("machine.html")
    assert page.run("return credit();") == {"rule": "creditExceeded", "isAtTheBound": True}
    assert page.run("return backPressure();") == {"held": 256 * 1024, "read": 2_000_000}


def test_nonsense_ends_in_a_violation_or_nothing(open_page):
    assert open_page("machine.html").run("return nonsense(5000);") > 1000


def test_what_waits_for_too_long_ends(open_page):
    outcome = open_page("machine.html").run("return silence();")
    assert outcome == {"hello": "ended", "request": [["failed", "timeout"]], "phase": "open", "silence": "ended"}
