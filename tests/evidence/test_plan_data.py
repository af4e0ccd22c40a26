"""The plan has every model that it is to have, in an order in which seeds become complete."""

from itertools import product

import pytest

from evidence.cases import pieces
from evidence.cost_picture import _COLOURS, _MARKERS
from evidence.equal_macs import _SIZES, MODELS
from evidence.plan_data import CASES, COMPARED, SHORT, of_folder
from mvmoe_deploy.errors import InputError
from mvmoe_deploy.models import build
from mvmoe_deploy.models.counting import count
from mvmoe_deploy.models.families import find_family

FASHION, GLYPHS = CASES


def of(case, size: int = 0) -> set[tuple]:
    """Family, routing, experts and k of every routed model of a size."""
    return {
        (cell.family, cell.routing, cell.fields.get("experts"), cell.fields.get("top_k"))
        for cell in case.sizes[size].cells
        if not cell.is_dense
    }


def test_fashion_mnist_has_the_list_of_the_paper_and_its_peers():
    routings = ("super-class", "end-to-end", "random")
    wanted = {("mobile_vmoe", routing, 10, k) for routing, k in product(routings, (1, 2))}
    wanted |= {("mobile_vmoe", "super-class", experts, 1) for experts in (2, 4, 6, 8, 10)}
    wanted |= {("vmoe", "end-to-end", 10, 1), ("soft_moe", "end-to-end", 8, None)}
    assert wanted <= of(FASHION)


def test_glyphs_have_dense_super_class_and_uoe():
    assert ("mobile_vmoe", "super-class", 8, 1) in of(GLYPHS)
    assert GLYPHS.data == "glyphs"
    assert {"per-image", "per-token"} == {
        cell.config(GLYPHS.sizes[0].dense).selection
        for cell in GLYPHS.sizes[0].cells
        if cell.family == "uoe"
    }


@pytest.mark.parametrize("case", [*CASES, *SHORT], ids=lambda case: case.name)
def test_every_model_of_a_case_can_be_built_and_has_its_place(case):
    names = [piece.name for piece in pieces((case,), (0, 1))]
    assert len(set(names)) == len(names)
    for size in case.sizes:
        assert [cell.is_reference for cell in size.cells].count(True) == 1
        for cell in size.cells:
            assert build(cell.config(size.dense), seed=0).config.num_classes


def test_a_seed_is_complete_before_the_next_one_begins_and_all_have_their_dense_model():
    found = list(pieces(CASES, (3, 1)))
    assert [piece.seed for piece in found] == [3] * (len(found) // 2) + [1] * (len(found) // 2)
    for piece in found[: len(found) // 2]:
        base = piece.base
        assert base is None or (base.cell.phases == ("dense",) and base.size == piece.size)


def test_kinds_have_colours_and_markers_of_their_own():
    for case in CASES:
        kinds = {cell.kind for size in case.sizes for cell in size.cells}
        assert len(kinds) <= len(_COLOURS) == len(set(_COLOURS))
        assert len(_MARKERS) == len(set(_MARKERS)) == len(_COLOURS)


def test_pairs_that_are_compared_are_models_of_some_case():
    names = [set(case.sizes[0].by_name) for case in CASES]
    for pair in COMPARED:
        assert any(set(pair) <= of_case for of_case in names), pair


def test_models_of_the_table_have_equal_macs():
    found = {
        model.name: count(
            build(find_family(model.family).config(**{**_SIZES, **model.fields}), seed=0).eval()
        ).macs
        for model in MODELS
    }
    assert len(found) == 5
    # Routers, and whole tokens for an expert, make some per cent.
    assert all(macs == pytest.approx(found["dense"], rel=0.03) for macs in found.values())


def test_an_image_folder_is_one_more_case(tmp_path):
    for part, name in product(("train", "val"), ("a", "b", "c")):
        (tmp_path / "my photos" / part / name).mkdir(parents=True)
    case = of_folder(tmp_path / "my photos")
    assert case.name == "folder-my-photos"
    assert case.sizes[0].dense.num_classes == 3
    assert ("mobile_vmoe", "super-class", 3, 1) in of(case)
    with pytest.raises(InputError, check=lambda error: error.code == "data.invalid"):
        of_folder(tmp_path / "nothing")
