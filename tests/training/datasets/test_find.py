"""Data sets are found by name; a directory of the same name, and a missing one, are told apart."""

from pathlib import Path

import pytest
from expected_errors import raises

from mvmoe_deploy import part_lookup
from mvmoe_deploy.errors import InputError
from mvmoe_deploy.models import preset
from mvmoe_deploy.training import suited_preset
from mvmoe_deploy.training.datasets import find_data_set, is_name


@pytest.mark.parametrize("name", part_lookup.built_in_names("datasets"))
def test_every_data_set_has_a_preset_of_its_own_that_exists(name: str) -> None:
    assert is_name(name)
    config = preset(find_data_set(name).preset)
    assert config.routing


def test_a_name_is_no_directory_whatever_lies_there(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "digits").mkdir()
    assert find_data_set("digits") is part_lookup.find("datasets", "digits")
    assert find_data_set("./digits") is None


def test_neither_a_name_nor_a_directory_is_refused_with_the_names(tmp_path: Path) -> None:
    with raises(InputError, "data.invalid", path=str(tmp_path / "none")):
        find_data_set(str(tmp_path / "none"))


def test_images_in_folders_have_no_preset_of_their_own(tmp_path: Path) -> None:
    with raises(InputError, "input.option", name="preset") as caught:
        suited_preset(str(tmp_path))
    assert caught.value.fields["name"] == "preset"
