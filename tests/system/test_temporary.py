"""Temporary directories that no end of a process leaves behind."""

import ast
import contextlib
import errno
import os
import signal
import stat
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

import pytest
from filelock import FileLock

from mvmoe_deploy.system import temporary
from mvmoe_deploy.system.temporary import private_temporary_files, temporary_directory


@pytest.fixture
def place(tmp_path, monkeypatch):
    """Where temporary files go."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return folder


def test_nothing_else_makes_directories_for_temporary_files():
    """Another's would stay after a kill: nobody would know whose they are."""
    makers = {"TemporaryDirectory", "NamedTemporaryFile", "mkdtemp", "mkstemp", "mktemp"}
    users = set()
    for package in ("mvmoe_deploy", "mvmoe_export", "mvmoe_bench"):
        for path in Path(find_spec(package).submodule_search_locations[0]).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                name = getattr(node, "attr", getattr(node, "id", getattr(node, "name", None)))
                if name in makers:
                    users.add(path)
    assert users == {Path(temporary.__file__)}


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def sweep():
    """What the next process does."""
    with temporary_directory():
        pass


def left(place, name="mvmoe-0123abcd"):
    """A directory as a killed process leaves it."""
    folder = place / name
    (folder / "deep").mkdir(parents=True)
    folder.chmod(0o700)
    (folder / "mvmoe.lock").touch()
    (folder / "deep" / "file").write_text("x")
    return folder


HOLDS = """
import sys, time
from mvmoe_deploy.system.temporary import temporary_directory
with temporary_directory() as folder:
    (folder / "deep").mkdir()
    (folder / "deep" / "file").write_text("x")
    print(folder, flush=True)
    time.sleep(600)
"""


@pytest.fixture
def holder(place):
    """A process at work in such a directory, and the directory."""
    process = subprocess.Popen([sys.executable, "-c", HOLDS], stdout=subprocess.PIPE, text=True)
    yield process, Path(process.stdout.readline().strip())
    process.kill()
    process.communicate(timeout=60)


@pytest.mark.parametrize("error", [None, RuntimeError(), KeyboardInterrupt()])
def test_a_directory_is_its_owners_alone_and_goes_away(place, error):
    kind = type(error) if error else ()
    with contextlib.suppress(kind), temporary_directory() as folder:
        assert folder.parent == place and stat.S_IMODE(folder.stat().st_mode) == 0o700
        (folder / "deep").mkdir()
        (folder / "deep" / "file").write_text("x")
        (folder / "link").symlink_to(place)
        if error is not None:
            raise error
    assert names(place) == []


def test_what_a_killed_process_left_is_swept_by_the_next(place, holder):
    process, folder = holder
    process.send_signal(signal.SIGKILL)
    process.wait(timeout=60)
    assert (folder / "deep" / "file").exists()
    sweep()
    assert names(place) == []


def test_what_a_living_process_holds_stays(place, holder):
    _, folder = holder
    sweep()
    assert (folder / "deep" / "file").read_text() == "x"


def test_one_that_was_killed_before_it_took_its_lock_is_swept(place):
    (place / "mvmoe-0123abcd").mkdir(mode=0o700)
    sweep()
    assert names(place) == []


def test_folders_without_our_mark_stay(place):
    theirs = place / "mvmoe-notes"
    theirs.mkdir(mode=0o700)
    (theirs / "text").write_text("x")
    (place / "mvmoe-file").write_text("x")
    left(place, "other-0123abcd")
    open_to_all = left(place, "mvmoe-open")
    open_to_all.chmod(0o777)
    sweep()
    assert names(place) == ["mvmoe-file", "mvmoe-notes", "mvmoe-open", "other-0123abcd"]
    assert (theirs / "text").exists() and (open_to_all / "deep" / "file").exists()


def test_another_users_folder_stays(place, monkeypatch):
    folder = left(place)
    if os.geteuid() == 0:
        os.chown(folder, 12345, -1)
    else:
        found = temporary._is_abandoned
        monkeypatch.setattr(temporary, "_is_abandoned", lambda path, owner: found(path, owner + 1))
    sweep()
    assert (folder / "deep" / "file").exists()


def test_a_link_that_somebody_planted_is_not_followed(place, tmp_path):
    precious = left(tmp_path, "precious")
    (place / "mvmoe-0123abcd").symlink_to(precious)
    planted = left(place, "mvmoe-4567abcd")
    (planted / "mvmoe.lock").unlink()
    (planted / "mvmoe.lock").symlink_to(precious / "new")
    sweep()
    assert (precious / "deep" / "file").exists() and not (precious / "new").exists()
    assert names(place) == ["mvmoe-0123abcd", "mvmoe-4567abcd"]


def test_what_cannot_be_removed_keeps_its_mark_for_the_next_sweep(place, monkeypatch):
    folder = left(place)
    monkeypatch.setattr(temporary.shutil, "rmtree", lambda *_, **__: None)
    sweep()
    assert names(folder) == ["deep", "mvmoe.lock"]
    monkeypatch.undo()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    sweep()
    assert names(place) == []


def test_private_files_are_those_of_every_library_and_child(place):
    before = dict(os.environ)
    with private_temporary_files() as folder:
        assert Path(tempfile.mkdtemp()).parent == folder
        told = subprocess.run(
            [sys.executable, "-c", "import tempfile; print(tempfile.mkdtemp())"],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert Path(told.stdout.strip()).parent == folder
    assert dict(os.environ) == before
    assert Path(tempfile.gettempdir()) == place
    assert names(place) == []


@pytest.mark.parametrize("chosen", [None, "by PyTorch", "by the user"])
def test_the_cache_of_compiled_code_is_private_unless_the_user_chose(
    place, tmp_path, monkeypatch, chosen
):
    caches = {"by PyTorch": place / "torchinductor_me", "by the user": tmp_path / "cache"}
    monkeypatch.delenv("TORCHINDUCTOR_CACHE_DIR", raising=False)
    if chosen:
        monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(caches[chosen]))
    with private_temporary_files() as folder:
        cache = Path(os.environ["TORCHINDUCTOR_CACHE_DIR"])
    assert cache == (caches[chosen] if chosen == "by the user" else folder / "torchinductor")
    found = os.environ.get("TORCHINDUCTOR_CACHE_DIR")
    assert found == (str(caches[chosen]) if chosen else None)


@pytest.mark.parametrize("remade", [False, True])
def test_a_directory_that_another_process_sweeps_meanwhile_is_made_again(
    place, monkeypatch, remade
):
    """The lock makes its directory once more, open to others, or fails because another did."""
    swept = []

    class Swept(FileLock):
        def acquire(self, *arguments, **options):
            if not swept:
                swept.append(Path(self.lock_file).parent)
                swept[0].rmdir()
                if not remade:
                    raise FileExistsError(errno.EEXIST, "File exists")
                swept[0].mkdir(mode=0o755)
            return super().acquire(*arguments, **options)

    monkeypatch.setattr(temporary, "FileLock", Swept)
    with temporary_directory() as folder:
        assert folder != swept[0]
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert names(place) == []
