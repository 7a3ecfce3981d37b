"""What is made of the plugin's modules and of the pages, and kept in the repository."""

import pathlib
import subprocess
import sys

SCRIPT = pathlib.Path(__file__).resolve().parents[3] / "scripts" / "build-browser"


def test_the_built_files_are_made_of_what_is_there():
    check = subprocess.run([sys.executable, SCRIPT, "--check"], check=False, capture_output=True, text=True)
    assert (check.returncode, check.stderr) == (0, "")
