"""How suites of pytest are run and counted."""

import collections
import os
import pathlib
import subprocess
import venv
import xml.etree.ElementTree

TOOLS = ["pytest==8.3.4", "pytest-asyncio==0.25.2", "pytest-html==4.1.1"]


def make_environment(folder, requirements):
    """Makes the virtual environment in a folder, unless it is there, with packages from PyPI.

    Returns Python's path, and pip as the beginning of a command.
    """
    folder.mkdir(parents=True, exist_ok=True)
    environment = folder / "venv"
    python = environment / "bin" / "python"
    if not python.exists():
        venv.create(environment, with_pip=True)
    pip = [str(python), "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "install", *TOOLS, *requirements], check=True)
    return python, pip


def run_pytest(name, python, arguments, source, environment, report, longest, prefix=(), at_once=False):
    """Runs pytest in the folder `source` for at most `longest` seconds, shows what failed and why tests were skipped.

    `report` is where pytest may write its report; `prefix` is a command that runs the rest of its line; `at_once` has what
    pytest prints shown when it has ended, where several run side by side.
    Returns (passed, failed, skipped).
    """
    environment = dict(os.environ, NO_COLOR="1", PYTHONWARNINGS="ignore", **environment)
    command = [
        *prefix, str(python), "-m", "pytest", "-p", "no:cacheprovider", "-qq", "--color=no", "--disable-warnings", "--tb=short",
        "-o", "verbosity_assertions=2", "-o",
        "asyncio_default_fixture_loop_scope=function", "-rfE", f"--junitxml={report}", *arguments,
    ]
    try:
        run = subprocess.run(
            command, cwd=source, env=environment, check=False, timeout=longest, text=True, errors="replace",
            stdout=subprocess.PIPE if at_once else None, stderr=subprocess.STDOUT if at_once else None,
        )
    except subprocess.TimeoutExpired as error:
        if error.stdout:
            print(error.stdout.decode(errors="replace") if isinstance(error.stdout, bytes) else error.stdout)
        print(f"FAILED: {name} did not finish in {longest} seconds")
        return 0, 1, 0
    if at_once:
        print(run.stdout, flush=True)
    passed, failed, skipped = 0, 0, collections.defaultdict(list)
    if pathlib.Path(report).exists():
        for case in xml.etree.ElementTree.parse(report).iter("testcase"):
            if case.find("failure") is not None or case.find("error") is not None:
                failed += 1
                print(f"FAILED: {name}, {case.get('name')}")
            elif (skip := case.find("skipped")) is not None:
                skipped[skip.get("message")].append(case.get("name"))
            else:
                passed += 1
    if failed == 0 and run.returncode != 0:
        print(f"FAILED: {name} ended with status {run.returncode}")
        failed = 1
    for reason, names in skipped.items():
        print(f"Skipped: {name}, {reason}: {', '.join(names) if len(names) < 10 else f'{len(names)} tests'}")
    return passed, failed, sum(map(len, skipped.values()))
