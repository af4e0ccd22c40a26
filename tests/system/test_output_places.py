"""What an output may not be: an input, something around or in one, or a place that others need."""

import os
import re
from pathlib import Path

import pytest
from expected_errors import raises

from mvmoe_deploy.errors import InputError, OutputError
from mvmoe_deploy.system import output_places


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A directory to stand in, with a checkpoint `ck` and what leads to it by other names."""
    root = tmp_path / "place"
    (root / "ck" / "sub").mkdir(parents=True)
    (root / "ck" / "weights").write_text("w")
    (root / "link").symlink_to("ck")
    (root / "chain").symlink_to("link")
    (root / "deep").mkdir()
    (root / "deep" / "link").symlink_to("../ck/sub")
    (root / "file.json").write_text("{}")
    os.link(root / "file.json", root / "hard.json")
    (root / "soft.json").symlink_to("file.json")
    monkeypatch.chdir(root)
    return root


@pytest.mark.parametrize(
    ("output", "given", "found"),
    [
        ("ck", "ck", "is"),
        ("ck/", "./ck", "is"),
        ("ck", "ck/sub/..", "is"),
        ("sub/../ck", "ck", "is"),
        ("ck", "link", "is"),
        ("link", "ck", "is"),
        ("chain", "link", "is"),
        ("../place/ck", "ck", "is"),
        ("ck", "ck/sub", "holds"),
        ("ck", "ck/weights", "holds"),
        ("ck", "deep/link", "holds"),
        # The link itself is in the output, what it leads to is not.
        ("deep", "deep/link", "holds"),
        (".", "ck", "holds"),
        ("..", "ck", "holds"),
        ("/", "ck", "holds"),
        ("ck/inner", "ck", "lies in"),
        ("link/deeper/inner", "ck", "lies in"),
        ("deep/link/inner", "ck", "lies in"),
        ("file.json", "file.json", "is"),
        ("hard.json", "file.json", "is"),
        ("soft.json", "file.json", "is"),
        ("file.json", "soft.json", "is"),
        ("inner", ".", "lies in"),
    ],
)
def test_an_output_that_is_or_touches_an_input_is_refused(place, output, given, found):
    if output.startswith("sub/"):
        (place / "sub").mkdir()
    with raises(InputError, "output.is-input", found=found):
        output_places.refuse_overlap([Path("fine"), Path(output)], [Path("other"), Path(given)])


def test_absolute_and_relative_paths_are_the_same(place):
    for output, given in ((place / "ck", Path("ck")), (Path("ck"), place / "ck" / "sub")):
        with pytest.raises(InputError, check=lambda error: error.code == "output.is-input"):
            output_places.refuse_overlap([output], [given])


@pytest.mark.parametrize(
    ("output", "given"),
    [
        ("out", "ck"),
        ("ck.mvmoe", "ck"),
        ("deep/out", "ck"),
        ("ck2/../out", "ck"),
        ("missing", "missing"),
        ("other.json", "file.json"),
    ],
)
def test_an_output_beside_an_input_is_none_of_it(place, output, given):
    output_places.refuse_overlap([Path(output)], [Path(given)])


def test_an_output_may_lie_in_a_folder_of_images_but_not_hold_it(place):
    output_places.refuse_overlap([Path("ck/results.jsonl")], [], [Path("ck")])
    for output in ("ck", "link", "."):
        with pytest.raises(InputError, check=lambda error: error.code == "output.is-input"):
            output_places.refuse_overlap([Path(output)], [], [Path("ck")])


def test_links_that_lead_in_circles_are_nothing(place):
    Path("one").symlink_to("two")
    Path("two").symlink_to("one")
    output_places.refuse_overlap([Path("one")], [Path("two"), Path("ck")])


@pytest.mark.parametrize("output", ["new", "new/", "deeper/../new", "new/of", "points"])
def test_an_output_may_not_take_the_place_of_what_the_command_will_make(place, output):
    (place / "points").symlink_to("new")
    with pytest.raises(InputError, check=lambda error: error.code == "output.is-input"):
        output_places.refuse_place_of(Path(output), Path("new/of/kept"))


@pytest.mark.parametrize("output", ["new/of/kept/results.jsonl", "newer", "new/of/other", "ck"])
def test_an_output_in_or_beside_what_the_command_will_make_is_well(place, output):
    output_places.refuse_place_of(Path(output), Path("new/of/kept"))


def recognised(path):
    """Calls nothing foreign."""


@pytest.mark.parametrize("where", ["the current directory", "the home directory"])
def test_places_that_people_are_in_are_not_replaced_even_empty(tmp_path, monkeypatch, where):
    inner = tmp_path / "outer" / "inner"
    inner.mkdir(parents=True)
    if where == "the current directory":
        monkeypatch.chdir(inner)
    else:
        monkeypatch.setenv("HOME", str(inner))
    for path in (inner, tmp_path / "outer"):
        with raises(InputError, "output.not-replaceable", path=str(path), found=where):
            output_places.require_directory(path, recognised)
    output_places.require_directory(inner / "below", recognised)


def test_a_mount_point_is_refused_at_once(tmp_path, monkeypatch):
    (tmp_path / "out").mkdir()
    monkeypatch.setattr(Path, "is_mount", lambda path: path.name == "out")
    with pytest.raises(InputError, check=lambda error: error.code == "output.not-replaceable"):
        output_places.require_directory(tmp_path / "out")


@pytest.mark.parametrize("require", [output_places.require_file, output_places.require_directory])
def test_a_path_that_leads_through_a_file_is_one_sentence(tmp_path, require):
    (tmp_path / "file").touch()
    with raises(OutputError, "output.refused", path=str(tmp_path / "file" / "out")) as caught:
        require(tmp_path / "file" / "out")
    assert re.search(r"Not a directory.*check the path.*nothing was changed", str(caught.value))


def test_the_first_bytes_are_of_regular_files_only(tmp_path):
    (tmp_path / "file").write_bytes(b"0123456789")
    (tmp_path / "link").symlink_to("file")
    os.mkfifo(tmp_path / "pipe")
    assert output_places.head(tmp_path / "file", 4) == b"0123"
    for name in ("link", "pipe", "missing", "."):
        assert output_places.head(tmp_path / name, 4) is None


def test_a_stranger_is_found_at_any_depth_and_links_are_always_some(tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "c").touch()
    (tmp_path / "a" / ".DS_Store").touch()
    (tmp_path / "empty").mkdir()
    assert output_places.unknown_entry(tmp_path, {"a/b/c"}) is None
    assert output_places.unknown_entry(tmp_path, {"c", "b/c"}) == "a/b/c"
    (tmp_path / "a" / "d").symlink_to("b")
    assert output_places.unknown_entry(tmp_path, {"a/b/c", "a/d"}) == "a/d"
