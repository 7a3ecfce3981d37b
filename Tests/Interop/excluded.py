"""A pytest plugin: marks the tests that cannot pass as expected to fail, with the reason.

`PEERPOUCH_EXCLUDED` names a JSON file of the form `{"fails": {"reason": [test, …]}, "not run": {"reason": [test, …]}}`.
A test is the end of a test's id (`DatabaseTestCase::test_purge`), or the name of a class with `::` behind it for all of
its tests. A test that is said to fail and passes all the same fails the run, and so does one that does not exist, so that
the list stays true.
"""

import json
import os

import pytest


def matches(part, item):
    name = item.nodeid.split("[")[0]
    return f"::{part}" in name if part.endswith("::") else name.endswith(f"::{part}")


def pytest_collection_modifyitems(items):
    with open(os.environ["PEERPOUCH_EXCLUDED"], encoding="utf-8") as file:
        excluded = json.load(file)
    unused = {part for reasons in excluded.values() for parts in reasons.values() for part in parts}
    for item in items:
        for kind, reasons in excluded.items():
            for reason, parts in reasons.items():
                matching = {part for part in parts if matches(part, item)}
                unused -= matching
                if matching and kind == "fails":
                    item.add_marker(pytest.mark.xfail(reason=reason, strict=True))
                elif matching:
                    item.add_marker(pytest.mark.skip(reason=reason))
    if unused:
        raise pytest.UsageError(f"excluded tests that do not exist: {sorted(unused)}")
