"""What is made of the plugin's modules and of the pages, and kept in the repository; and what the documentation says of tests."""

import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
SCRIPT = ROOT / "scripts" / "build-browser"


def test_the_built_files_are_made_of_what_is_there():
    check = subprocess.run([sys.executable, SCRIPT, "--check"], check=False, capture_output=True, text=True)
    assert (check.returncode, check.stderr) == (0, "")


def test_every_test_of_pages_that_the_threat_model_names_is_there():
    named = re.findall(r"`(\w+_test\.py)/(\w+)(?:\[(\w+)\])?`", (ROOT / "docs" / "threat-model.md").read_text())
    assert len(named) > 15
    for file, name, case in named:
        text = (HERE / file).read_text()
        assert f"def {name}(" in text, name
        assert not case or f'"{case}": ' in text, case
