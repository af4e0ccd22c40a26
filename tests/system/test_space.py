"""Room on the disk: refused only where it is known that there is none."""

import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
from expected_errors import raises

from mvmoe_deploy.errors import OutputError
from mvmoe_deploy.system.space import file_system, free_bytes, require_space, shown


def _disk(monkeypatch: pytest.MonkeyPatch, total: int, free: int) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(total=total, free=free))


def test_too_little_says_what_is_needed_and_what_is_free(monkeypatch, tmp_path: Path) -> None:
    _disk(monkeypatch, 10**12, 3_400_000)
    require_space(tmp_path, 3_400_000, "training")
    with pytest.raises(OutputError, check=lambda error: error.code == "output.no-space"):
        require_space(tmp_path / "not" / "there", 1_300_000_000, "training")


@pytest.mark.parametrize(("total", "free"), [(0, 0), (10**12, 0), (2**64, 2**64)])
def test_a_file_system_that_reports_nonsense_is_believed_to_have_room(
    monkeypatch, tmp_path: Path, total: int, free: int
) -> None:
    _disk(monkeypatch, total, free)
    require_space(tmp_path, 10**11, "training")


def test_a_file_system_that_reports_nothing_is_believed_too(monkeypatch, tmp_path: Path) -> None:
    def refuse(_: Path) -> None:
        raise OSError("not here")

    monkeypatch.setattr(shutil, "disk_usage", refuse)
    assert free_bytes(tmp_path) is None
    require_space(tmp_path, 10**18, "training")


def test_the_real_disk_is_asked(tmp_path: Path) -> None:
    assert free_bytes(tmp_path) > 0
    assert file_system(tmp_path / "new") == tmp_path.stat().st_dev
    with raises(OutputError, "output.no-space", expected=2**80):
        require_space(tmp_path, 2**80, "everything")


def test_bytes_are_shown_in_units_of_a_thousand() -> None:
    assert [shown(count) for count in (999, 1_000, 1_250_000)] == ["999 bytes", "1.0 kB", "1.2 MB"]
