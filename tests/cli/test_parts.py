"""`mvmoe parts`: what is listed, what a kind says of its parts, and what is imported for it."""

import json
import subprocess
import sys

import pytest

from mvmoe_deploy.cli import main
from mvmoe_deploy.part_lookup import find

LISTED = """
import contextlib, sys
from mvmoe_deploy.cli import main
with contextlib.suppress(SystemExit):
    main(["parts", *sys.argv[1:]])
heavy = {"torch", "onnxruntime", "coremltools", "executorch"} & set(sys.modules)
print(sorted(heavy), file=sys.stderr)
"""


@pytest.fixture
def listed(capsys):
    """What `mvmoe parts` prints; the parts of each kind by name with `--json`."""

    def call(*arguments):
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(["parts", *arguments])
        assert ended.value.code == 0
        out = capsys.readouterr().out
        if "--json" not in arguments:
            return out
        return {
            kind: {part["name"]: part for part in parts}
            for kind, parts in json.loads(out)["parts"].items()
        }

    return call


def test_a_kind_that_is_quick_to_import_is_listed_with_summaries(listed):
    recipes = listed("recipes", "--json")["recipes"]
    assert "int8" in recipes
    assert all(part["summary"] == find("recipes", name).summary for name, part in recipes.items())
    out = " ".join(listed("recipes").split())
    assert "what it does" in out
    assert "the fewest bytes" in out


def test_parts_of_other_kinds_are_not_asked_and_their_modules_say_it(listed):
    said = {
        name: part["summary"] for name, part in listed("families", "--json")["families"].items()
    }
    assert all(said.values())
    assert "arXiv 2106.05974" in said["vmoe"] and "arXiv 2308.00951" in said["soft_moe"]
    assert "what it does" in listed("families")


def test_a_list_of_all_kinds_has_no_summaries(listed):
    everything = listed("--json")
    assert {part["summary"] for parts in everything.values() for part in parts.values()} == {None}
    assert "what it does" not in listed()


def test_the_summaries_of_recipes_import_no_framework_and_no_engine():
    ended = subprocess.run(
        [sys.executable, "-c", LISTED, "recipes"],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.stderr.splitlines()[-1] == "[]"
    assert "in 8 bits" in ended.stdout
