"""A pytest plugin: marks the tests that cannot pass yet as expected to fail, with the reason.

`PEERPOUCH_EXCLUDED` names a JSON file of the form `{"reason": ["part of a test's id", …]}`. A test that is listed and
passes all the same fails the run, so that the list stays true.
"""

import json
import os

import pytest


def pytest_collection_modifyitems(items):
    with open(os.environ["PEERPOUCH_EXCLUDED"], encoding="utf-8") as file:
        excluded = json.load(file)
    unused = {part for parts in excluded.values() for part in parts}
    for item in items:
        for reason, parts in excluded.items():
            matching = {part for part in parts if part in item.nodeid}
            unused -= matching
            if matching:
                item.add_marker(pytest.mark.xfail(reason=reason, strict=True))
                break
    if unused:
        raise pytest.UsageError(f"excluded tests that do not exist: {sorted(unused)}")
