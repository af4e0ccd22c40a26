"""Recipes: found by their names, chosen by their numbers, and applied to a structure's program."""

import subprocess
import sys

import pytest
import torch
from torch import nn

from mvmoe_deploy import part_lookup
from mvmoe_deploy.errors import InputError
from mvmoe_export.compression import FLOAT16, FLOAT32, NumberTypes, RecipesIn, find_recipe
from mvmoe_export.compression.contract import unchanged
from mvmoe_export.programs import make_program


def test_every_recipe_says_what_it_is():
    for name in part_lookup.built_in_names("recipes"):
        recipe = find_recipe(name)
        assert recipe.name == name
        assert recipe.summary
        assert recipe.bounds.reason
        assert not recipe.changes_weights


def test_asking_for_a_recipe_imports_no_pytorch():
    code = (
        "import sys; from mvmoe_export.compression import FLOAT16, RecipesIn, find_recipe\n"
        "assert 'fp16' in RecipesIn(FLOAT16) and find_recipe('fp32').bounds\n"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_an_engine_takes_the_recipes_whose_numbers_it_runs():
    assert list(RecipesIn(FLOAT16, FLOAT32)) == ["fp16", "fp32"]
    assert list(RecipesIn(NumberTypes("int8", "dynamic-int8"))) == ["int8"]
    assert list(RecipesIn(FLOAT32)) == ["fp32"]
    assert list(RecipesIn(NumberTypes("float32", "float16"))) == []
    assert "fp16" not in RecipesIn(FLOAT32)
    assert "fp8" not in RecipesIn(FLOAT32)
    assert 32 not in RecipesIn(FLOAT32)


def test_a_plug_in_that_cannot_be_imported_is_left_out_until_it_is_asked_for(tmp_path, monkeypatch):
    (tmp_path / "broken_recipe.py").write_text("raise RuntimeError('broken')")
    info = tmp_path / "broken_recipe-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken-recipe\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[mvmoe.parts]\nrecipes.broken = broken_recipe\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert "broken" in part_lookup.names("recipes")
    assert list(RecipesIn(FLOAT32)) == ["fp32"]
    with pytest.raises(RuntimeError, match="broken"):
        find_recipe("broken")
    with pytest.raises(InputError) as refused:
        find_recipe("broken", plugins=False)
    assert refused.value.code == "part.plugin-not-allowed"


@pytest.mark.parametrize("rewrites", [(), ("slices",)])
def test_a_compressed_program_holds_changed_weights_whichever_graph_they_are_of(rewrites):
    one, other = nn.Linear(3, 3), nn.Linear(3, 3)
    x = torch.ones(1, 3)
    program = make_program("stem", one, {"image": x}, rewrites)
    plain = program.fill(other)

    def halved(contents):
        return {slot: tensor / 2 for slot, tensor in contents.items()}

    compressed = program.compressed(halved)
    assert compressed.slots == program.slots
    given = compressed.exported.module(check_guards=False)(x)
    torch.testing.assert_close(given, one(x) / 2)
    for slot, tensor in compressed.fill(other).items():
        torch.testing.assert_close(tensor, plain[slot] / 2)
    assert unchanged(program) is program
