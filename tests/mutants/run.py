"""Change one thing at a time and see whether the tests notice: `python tests/mutants/run.py`.

Each mutant of `mutants.toml` is one text in one file, what replaces it, and the tests that should
fail then. The tree is copied to a temporary directory and changed there. Printed are the mutants
that survive; a survivor with a reason in the list (`survives`) is expected. The exit status is 1 if
another one survives, or if one with a reason is killed (its reason no longer holds).
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
LIST = Path(__file__).with_name("mutants.toml")
TREE = ("mvmoe_deploy", "export", "benchmarks", "tests", "docs", "pyproject.toml", "README.md")
PACKAGES = (".", "export", "benchmarks")
MOST_SECONDS = 300
"""A change may make a loop endless: tests that take longer have noticed it."""


@dataclass(frozen=True)
class Mutant:
    """One change that tests should notice."""

    name: str
    file: str
    original: str
    replacement: str
    tests: tuple[str, ...]
    """Arguments of pytest."""
    survives: str = ""
    """Why no test can notice it; empty: it has to be killed."""


def read_mutants(path: Path = LIST) -> list[Mutant]:
    """The list; raises KeyError or TypeError if an entry has other fields."""
    entries = tomllib.loads(path.read_text(encoding="utf-8"))["mutant"]
    return [Mutant(**{**entry, "tests": tuple(entry["tests"])}) for entry in entries]


def killed(mutant: Mutant, tree: Path) -> bool:
    """Whether the mutant's tests fail with its change, which is undone afterwards."""
    file = tree / mutant.file
    before = file.read_text(encoding="utf-8")
    file.write_text(before.replace(mutant.original, mutant.replacement, 1), encoding="utf-8")
    try:
        return not passes(mutant.tests, tree)
    finally:
        file.write_text(before, encoding="utf-8")


def passes(tests: tuple[str, ...], tree: Path) -> bool:
    """Whether tests pass in a tree, within the time."""
    paths = os.pathsep.join(str(tree / package) for package in PACKAGES)
    environment = {**os.environ, "PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1"}
    arguments = ("-n", "0", "-x", "-q", "-p", "no:cacheprovider")
    try:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *arguments, *tests],
            cwd=tree, env=environment, capture_output=True, timeout=MOST_SECONDS, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return False
    if done.returncode not in (0, 1):
        raise SystemExit(f"pytest could not run {tests}:\n{done.stdout.decode()[-2000:]}")
    return done.returncode == 0


def main() -> int:
    """Run the list, or those whose name contains a text."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--only", default="", help="mutants whose name contains this text")
    only = parser.parse_args().only
    mutants = [mutant for mutant in read_mutants() if only in mutant.name]
    unexpected = 0
    with tempfile.TemporaryDirectory(prefix="mvmoe-mutants-") as folder:
        tree = Path(folder)
        copy_tree(tree)
        for tests in sorted({mutant.tests for mutant in mutants}):
            if not passes(tests, tree):
                raise SystemExit(f"{tests} fail without any change; mend them first")
        for mutant in mutants:
            dead = killed(mutant, tree)
            wrong = dead == bool(mutant.survives)
            unexpected += wrong
            state = "killed" if dead else "SURVIVED"
            why = f" ({mutant.survives})" if mutant.survives else ""
            print(f"{state}{' UNEXPECTEDLY' * wrong}: {mutant.name}{why}", flush=True)
    print(f"{len(mutants)} mutants, {unexpected} with an unexpected end")
    return 1 if unexpected else 0


def copy_tree(target: Path) -> None:
    """Copy what the tests need."""
    ignored = shutil.ignore_patterns("__pycache__", "*.pyc", ".*")
    for name in TREE:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, target / name, ignore=ignored)
        else:
            shutil.copy2(source, target / name)


if __name__ == "__main__":
    sys.exit(main())
