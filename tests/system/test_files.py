"""Writing whole files and directories or nothing, whatever happens in the middle."""

import contextlib
import errno
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from expected_errors import raises

from mvmoe_deploy.errors import InputError, OutputError
from mvmoe_deploy.system import files


def entries(folder):
    return sorted(path.name for path in folder.iterdir())


def write_text(text):
    return lambda path: path.write_text(text)


def fail_after_half(error):
    def write(path):
        path.write_text("half")
        raise error

    return write


def anything(path):
    """Calls nothing foreign."""


def nothing(path):
    """Calls everything foreign."""
    return "is precious"


def run_python(code, *arguments):
    """Run `code` in a process of its own."""
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


# Files


def test_a_file_is_written_and_nothing_stays_beside_it(tmp_path):
    files.write_file(tmp_path / "deep" / "er" / "a.txt", write_text("new"))
    assert (tmp_path / "deep/er/a.txt").read_text() == "new"
    assert entries(tmp_path / "deep/er") == ["a.txt"]


def test_the_temporary_file_keeps_the_name_because_writers_go_by_the_suffix(tmp_path):
    names = []

    def write(path):
        names.append(path.name)
        path.write_text("x")

    files.write_file(tmp_path / "plot.png", write)
    assert names == ["plot.png"]


@pytest.mark.parametrize("name", ["lock", "new", "old", "a" * 255, "é" * 127, "[*?].txt", "-"])
def test_every_name_that_the_file_system_takes_can_be_written(tmp_path, name):
    files.write_file(tmp_path / name, write_text("x"))
    with files.new_directory(tmp_path / "folder" / name) as work:
        (work / "a").write_text("x")
    assert (tmp_path / name).read_text() == (tmp_path / "folder" / name / "a").read_text() == "x"


@pytest.mark.parametrize("error", [RuntimeError(), KeyboardInterrupt(), SystemExit()])
def test_an_exception_leaves_the_old_file_and_nothing_else(tmp_path, error):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(type(error)):
        files.write_file(path, fail_after_half(error), anything)
    assert path.read_text() == "old"
    assert entries(tmp_path) == ["a.txt"]


def never(path):
    pytest.fail("the work began")


def put_link(path):
    (path.parent / "target").write_text("old")
    path.symlink_to("target")


def put_socket(path):
    with contextlib.chdir(path.parent), socket.socket(socket.AF_UNIX) as made:
        made.bind(path.name)


KINDS = {
    "link": put_link,
    "dangling link": lambda path: path.symlink_to("nowhere"),
    "directory": Path.mkdir,
    "pipe": os.mkfifo,
    "socket": put_socket,
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("replace", [None, anything])
def test_what_is_no_file_is_never_replaced_by_one(tmp_path, kind, replace):
    KINDS[kind](tmp_path / "a")
    before = {path.name: path.lstat() for path in tmp_path.iterdir()}
    with pytest.raises(InputError, check=lambda error: error.code == "output.not-replaceable"):
        files.write_file(tmp_path / "a", never, replace)
    assert {path.name: path.lstat() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize(
    ("replace", "code"), [(None, "output.exists"), (nothing, "output.foreign")]
)
def test_a_file_that_may_not_be_replaced_is_kept_before_any_work(tmp_path, replace, code):
    (tmp_path / "a").write_text("old")
    with raises(InputError, code, path=str(tmp_path / "a")):
        files.write_file(tmp_path / "a", never, replace)
    assert (tmp_path / "a").read_text() == "old"


def test_an_empty_file_is_replaced_where_something_may_be(tmp_path):
    (tmp_path / "a").touch()
    with pytest.raises(InputError, check=lambda error: error.code == "output.exists"):
        files.write_file(tmp_path / "a", never)
    files.write_file(tmp_path / "a", write_text("new"), nothing)
    assert (tmp_path / "a").read_text() == "new"


@pytest.mark.parametrize(
    ("replace", "code"), [(None, "output.exists"), (nothing, "output.foreign")]
)
@pytest.mark.parametrize("links", [True, False])
def test_a_file_that_appears_during_the_work_is_kept(tmp_path, monkeypatch, replace, code, links):
    def refuse(*_, **__):
        raise OSError(errno.EPERM, "this file system has no links")

    def write(partial):
        partial.write_text("new")
        (tmp_path / "a").write_text("precious")
        if not links:
            monkeypatch.setattr(os, "link", refuse)

    with raises(InputError, code, path=str(tmp_path / "a")):
        files.write_file(tmp_path / "a", write, replace)
    assert (tmp_path / "a").read_text() == "precious"
    assert entries(tmp_path) == ["a"]


def test_a_file_system_without_links_can_be_written_to(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    files.write_file(tmp_path / "a", write_text("new"))
    assert (tmp_path / "a").read_text() == "new"


def test_parents_made_for_an_output_that_fails_are_removed(tmp_path):
    (tmp_path / "there").mkdir()
    with pytest.raises(RuntimeError):
        files.write_file(tmp_path / "there/deep/er/a", fail_after_half(RuntimeError()))
    with pytest.raises(RuntimeError), files.new_directory(tmp_path / "there/b/c"):
        raise RuntimeError
    assert entries(tmp_path / "there") == []


def test_an_output_whose_name_cannot_be_flushed_is_there_all_the_same(tmp_path, monkeypatch):
    fsync, parent = os.fsync, tmp_path.stat().st_ino

    def refuse(descriptor):
        if os.fstat(descriptor).st_ino == parent:
            raise OSError(errno.EINVAL, "Invalid argument")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", refuse)
    files.write_file(tmp_path / "a", write_text("new"))
    with files.new_directory(tmp_path / "b") as work:
        (work / "c").write_text("new")
    assert entries(tmp_path) == ["a", "b"]


@pytest.mark.parametrize(
    ("number", "code", "advice"),
    [
        (errno.ENOSPC, "output.no-space", "free some space"),
        (errno.EDQUOT, "output.no-space", "free some space"),
        (errno.EIO, "output.refused", "check"),
    ],
)
def test_what_the_system_refuses_becomes_one_sentence_with_advice(tmp_path, number, code, advice):
    error = OSError(number, os.strerror(number))
    with raises(OutputError, code, path=str(tmp_path / "a")) as caught:
        files.write_file(tmp_path / "a", fail_after_half(error))
    assert os.strerror(number) in str(caught.value) and advice in str(caught.value)
    assert entries(tmp_path) == []


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_full_disk_at_any_step_leaves_the_old_file(tmp_path, monkeypatch, step):
    def refuse(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    (tmp_path / "a").write_text("old")
    monkeypatch.setattr(os if step == "fsync" else Path, step, refuse)
    with pytest.raises(OutputError, check=lambda error: error.code == "output.no-space"):
        files.write_file(tmp_path / "a", write_text("new"), anything)
    monkeypatch.undo()
    assert (tmp_path / "a").read_text() == "old"
    assert entries(tmp_path) == ["a"]


FULL_DISK = """
import resource, sys
from pathlib import Path
from mvmoe_deploy.system import files
from mvmoe_deploy.errors import OutputError
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
root = Path(sys.argv[1])
for attempt in ("file", "directory"):
    try:
        if attempt == "file":
            files.write_file(root / "a", lambda path: path.write_bytes(bytes(5000)))
        else:
            with files.new_directory(root / "b") as work:
                (work / "small").write_bytes(bytes(10))
                (work / "large").write_bytes(bytes(5000))
    except OutputError as error:
        print(error)
"""


def test_a_file_that_may_not_grow_leaves_nothing(tmp_path):
    result = run_python(FULL_DISK, tmp_path)
    assert result.stderr == ""
    assert result.stdout.count("could not be written (File too large); free some space") == 2
    assert entries(tmp_path) == []


# Directories


def test_a_directory_appears_whole(tmp_path):
    path = tmp_path / "deep" / "out"
    with files.new_directory(path) as work:
        (work / "sub").mkdir()
        (work / "sub" / "a").write_text("x")
        assert not path.exists()
    assert (path / "sub/a").read_text() == "x"
    assert entries(path.parent) == ["out"]


@pytest.mark.parametrize("error", [RuntimeError(), KeyboardInterrupt(), OSError(errno.EIO, "I/O")])
@pytest.mark.parametrize("replace", [None, anything])
def test_an_exception_inside_leaves_what_was_there(tmp_path, error, replace):
    path = tmp_path / "out"
    if replace:
        path.mkdir()
        (path / "old").write_text("x")
    with (
        pytest.raises(OutputError if isinstance(error, OSError) else type(error)),
        files.new_directory(path, replace) as work,
    ):
        (work / "half").write_text("x")
        raise error
    assert entries(tmp_path) == (["out"] if replace else [])
    assert not replace or entries(path) == ["old"]


def test_a_refusal_inside_names_the_file_it_is_about(tmp_path):
    with (
        raises(OutputError, "output.refused", path=str(tmp_path / "out")) as caught,
        files.new_directory(tmp_path / "out") as work,
    ):
        (work / "missing").read_bytes()
    assert re.search(r"No such file or directory: .*missing", str(caught.value))


def test_an_empty_directory_at_the_destination_is_taken_over(tmp_path):
    (tmp_path / "out").mkdir()
    with files.new_directory(tmp_path / "out") as work:
        (work / "a").write_text("x")
    assert entries(tmp_path / "out") == ["a"]


def test_a_directory_with_content_is_refused_before_any_work(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "old").write_text("x")
    with (
        pytest.raises(InputError, check=lambda error: error.code == "output.exists"),
        files.new_directory(tmp_path / "out"),
    ):
        pytest.fail("the work began")
    assert entries(tmp_path) == ["out"]


def test_a_directory_with_content_is_replaced_as_a_whole(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "old").write_text("x")
    with files.new_directory(tmp_path / "out", anything) as work:
        (work / "new").write_text("x")
        assert entries(tmp_path / "out") == ["old"]
    assert entries(tmp_path / "out") == ["new"]
    assert entries(tmp_path) == ["out"]


def test_a_directory_that_is_called_foreign_is_kept_before_any_work(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "old").write_text("x")
    with pytest.raises(InputError, check=lambda error: error.code == "output.foreign"):  # noqa: SIM117
        with files.new_directory(tmp_path / "out", nothing):
            pytest.fail("the work began")
    assert entries(tmp_path / "out") == ["old"]


def holding(name):
    """Calls a directory foreign that holds something of this name."""
    return lambda path: f"holds {name}" if (path / name).exists() else None


def test_what_is_put_into_a_directory_during_the_work_is_kept(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "old").write_text("x")
    with (
        pytest.raises(InputError, check=lambda error: error.code == "output.foreign"),
        files.new_directory(tmp_path / "out", holding("notes")) as work,
    ):
        (work / "new").write_text("x")
        (tmp_path / "out" / "notes").write_text("precious")
    assert entries(tmp_path / "out") == ["notes", "old"]
    assert entries(tmp_path) == ["out"]


def test_a_directory_that_is_exchanged_at_the_last_moment_is_kept(tmp_path, monkeypatch):
    """Between the last look at the directory and the move."""
    path, rename = tmp_path / "out", Path.rename
    path.mkdir()
    (path / "old").write_text("x")

    def late(source, target):
        if source == path:
            (path / "notes").write_text("precious")
        return rename(source, target)

    monkeypatch.setattr(Path, "rename", late)
    with (
        pytest.raises(InputError, check=lambda error: error.code == "output.foreign"),
        files.new_directory(path, holding("notes")) as work,
    ):
        (work / "new").write_text("x")
    assert entries(path) == ["notes", "old"]
    assert entries(tmp_path) == ["out"]


@pytest.mark.parametrize("what", ["directory", "file"])
def test_what_cannot_be_moved_back_is_kept_and_named(tmp_path, monkeypatch, what):
    """Something else appears between the two moves of a replacement."""
    path, rename = tmp_path / "out", Path.rename
    path.mkdir()
    (path / "old").write_text("x")

    def late(source, target):
        if source.name == "new" and what == "directory":
            path.mkdir()
            (path / "theirs").write_text("precious")
        elif source.name == "new":
            path.write_text("precious")
        return rename(source, target)

    monkeypatch.setattr(Path, "rename", late)
    with (
        raises(OutputError, "output.refused", path=str(path)) as caught,
        files.new_directory(path, anything) as work,
    ):
        (work / "new").write_text("x")
    monkeypatch.undo()
    kept = Path(str(caught.value).rsplit(" is in ", 1)[1])
    assert entries(kept) == ["old"]
    assert path.read_text() == "precious" if what == "file" else entries(path) == ["theirs"]
    # Nor is it swept later, whatever is written there.
    files.write_file(tmp_path / "out2", write_text("x"))
    with contextlib.suppress(InputError), files.new_directory(path, anything) as work:
        (work / "newer").write_text("x")
    assert entries(kept) == ["old"]


@pytest.mark.parametrize("kind", ["file", "link to a directory", "dangling link"])
@pytest.mark.parametrize("replace", [None, anything])
def test_what_is_no_directory_is_never_replaced_by_one(tmp_path, kind, replace):
    path = tmp_path / "out"
    (tmp_path / "elsewhere").mkdir()
    if kind == "file":
        path.write_text("x")
    else:
        path.symlink_to("elsewhere" if kind == "link to a directory" else "nowhere")
    found = "no directory" if kind == "file" else "symbolic link"
    with (
        raises(InputError, "output.not-replaceable", path=str(path), found=found),
        files.new_directory(path, replace),
    ):
        pytest.fail("the work began")
    assert entries(tmp_path) == ["elsewhere", "out"]


@pytest.mark.parametrize("path", [".", "/", ".."])
def test_a_path_without_a_name_is_refused(tmp_path, monkeypatch, path):
    monkeypatch.chdir(tmp_path)
    with (
        pytest.raises(InputError, check=lambda error: error.code == "output.not-replaceable"),
        files.new_directory(Path(path), anything),
    ):
        pytest.fail("the work began")


def test_a_path_that_the_system_cannot_have_is_refused(tmp_path):
    for path in (tmp_path / ("a" * 300), tmp_path / "file" / "out"):
        (tmp_path / "file").write_text("x")
        with (
            raises(OutputError, "output.refused", path=str(path)),
            files.new_directory(path) as work,
        ):
            (work / "a").write_text("x")
        assert entries(tmp_path) == ["file"]


def test_a_failed_second_move_brings_the_old_directory_back(tmp_path, monkeypatch):
    path = tmp_path / "out"
    path.mkdir()
    (path / "old").write_text("x")
    rename = Path.rename

    def refuse_new(source, target):
        if source.name == "new":
            raise OSError(errno.EIO, "Input/output error")
        return rename(source, target)

    monkeypatch.setattr(Path, "rename", refuse_new)
    with (
        raises(OutputError, "output.refused", path=str(path)),
        files.new_directory(path, anything) as work,
    ):
        (work / "new").write_text("x")
    assert entries(path) == ["old"]
    assert entries(tmp_path) == ["out"]


# Several writers


@pytest.mark.parametrize("replace", [None, anything])
def test_of_two_writers_one_wins_and_the_other_gets_one_sentence(tmp_path, replace):
    """Both work at the same time; whichever publishes second finds the first one's directory."""
    both_work, results = threading.Barrier(2), {}

    def write(name):
        try:
            with files.new_directory(tmp_path / "out", replace) as work:
                (work / name).write_text("x")
                both_work.wait(timeout=30)
        except InputError as error:
            results[name] = str(error)
        else:
            results[name] = "won"

    threads = [threading.Thread(target=write, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert entries(tmp_path) == ["out"]
    winners = [name for name, result in results.items() if result == "won"]
    assert entries(tmp_path / "out")[0] in winners
    assert len(entries(tmp_path / "out")) == 1
    if not replace:
        assert len(winners) == 1
        loser = ({"a", "b"} - set(winners)).pop()
        assert "exists already" in results[loser]


RACE = """
import sys
from pathlib import Path
from mvmoe_deploy.system import files
from mvmoe_deploy.errors import InputError
print("ready", flush=True)
sys.stdin.readline()
try:
    with files.new_directory(Path(sys.argv[1]) / "out") as work:
        for number in range(20):
            (work / str(number)).write_text(sys.argv[2])
    print("won")
except InputError as error:
    print(error)
"""


def start_python(code, *arguments):
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_of_three_racing_processes_one_wins_and_its_directory_is_whole(tmp_path):
    writers = [start_python(RACE, tmp_path, number) for number in range(3)]
    for writer in writers:
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        writer.stdin.write("\n")
        writer.stdin.flush()
    results = [writer.communicate(timeout=60) for writer in writers]
    assert [error for _, error in results] == ["", "", ""]
    outputs = [output.strip() for output, _ in results]
    winner = outputs.index("won")
    assert sum("exists already; give another output path" in output for output in outputs) == 2
    contents = {path.read_text() for path in (tmp_path / "out").iterdir()}
    assert contents == {str(winner)}
    assert len(entries(tmp_path / "out")) == 20
    assert entries(tmp_path) == ["out"]


STOPS_IN_THE_MIDDLE = """
import sys, time
from pathlib import Path
from mvmoe_deploy.system import files
path = Path(sys.argv[1])
def stop(partial):
    partial.write_text("half")
    print("half", flush=True)
    time.sleep(600)
if sys.argv[2] == "file":
    files.write_file(path, stop)
else:
    with files.new_directory(path) as work:
        stop(work / "a")
"""


@pytest.mark.parametrize("kind", ["file", "directory"])
def test_what_a_killed_process_left_is_swept_by_the_next_write(tmp_path, kind):
    path = tmp_path / "out"
    killed = start_python(STOPS_IN_THE_MIDDLE, path, kind)
    assert killed.stdout.readline() == "half\n"
    killed.send_signal(signal.SIGKILL)
    killed.communicate(timeout=60)
    assert not path.exists()
    assert len(entries(tmp_path)) == 1
    with files.new_directory(path) as work:
        (work / "b").write_text("x")
    assert entries(tmp_path) == ["out"]
    assert entries(path) == ["b"]


def test_what_a_living_process_holds_is_not_swept(tmp_path):
    living = start_python(STOPS_IN_THE_MIDDLE, tmp_path / "out", "directory")
    try:
        assert living.stdout.readline() == "half\n"
        with files.new_directory(tmp_path / "out") as work:
            (work / "b").write_text("x")
        left = [path for path in tmp_path.iterdir() if path.name != "out"]
        assert len(left) == 1
        assert (left[0] / "new" / "a").read_text() == "half"
    finally:
        living.kill()
        living.communicate(timeout=60)


def test_ctrl_c_leaves_nothing(tmp_path):
    stopped = start_python(STOPS_IN_THE_MIDDLE, tmp_path / "out", "directory")
    assert stopped.stdout.readline() == "half\n"
    stopped.send_signal(signal.SIGINT)
    _, error = stopped.communicate(timeout=60)
    assert "KeyboardInterrupt" in error
    assert entries(tmp_path) == []


def leave(folder, name, *inside, lock="mvmoe.lock"):
    """A working directory of `name` as a killed process leaves it."""
    holder = folder / f".{name}.partial-{'0123456789abcdef' * 2}"
    holder.mkdir()
    for inner in inside:
        (holder / inner).mkdir()
        (holder / inner / "a").write_text(inner)
    if lock:
        (holder / lock).touch()
    return holder


def test_a_directory_moved_away_by_a_killed_replacement_comes_back(tmp_path):
    leave(tmp_path, "out", "new", "old")
    with (
        pytest.raises(InputError, check=lambda error: error.code == "output.exists"),
        files.new_directory(tmp_path / "out"),
    ):
        pytest.fail("the work began")
    assert (tmp_path / "out" / "a").read_text() == "old"
    assert entries(tmp_path) == ["out"]


def test_what_a_finished_replacement_left_is_swept(tmp_path):
    leave(tmp_path, "out", "old")
    files.write_file(tmp_path / "out", write_text("x"))
    assert entries(tmp_path) == ["out"]


def test_a_working_directory_that_was_just_made_is_swept(tmp_path):
    leave(tmp_path, "out", lock=None)
    files.write_file(tmp_path / "out", write_text("x"))
    assert entries(tmp_path) == ["out"]


SOMEBODYS = {
    "no lock": lambda holder: (holder / "mvmoe.lock").unlink(),
    "more than ours": lambda holder: (holder / "notes").write_text("precious"),
    "another lock": lambda holder: (holder / "mvmoe.lock").rename(holder / "lock"),
    "a lock that is a link": lambda holder: (
        (holder / "mvmoe.lock").unlink(),
        (holder / "mvmoe.lock").symlink_to("new/a"),
    ),
    "a lock that is a pipe": lambda holder: (
        (holder / "mvmoe.lock").unlink(),
        os.mkfifo(holder / "mvmoe.lock"),
    ),
    "another number": lambda holder: holder.rename(holder.with_name(".out.partial-2024")),
    "a link": lambda holder: (
        holder.rename(holder.with_name("elsewhere")),
        holder.symlink_to("elsewhere"),
    ),
}


@pytest.mark.parametrize("how", SOMEBODYS)
def test_a_directory_of_somebody_with_such_a_name_is_not_swept(tmp_path, how):
    SOMEBODYS[how](leave(tmp_path, "out", "new"))
    before = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*"))
    contents = (next(tmp_path.rglob("a"))).read_text()
    files.write_file(tmp_path / "out", write_text("x"))
    (tmp_path / "out").unlink()
    assert sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*")) == before
    assert (next(tmp_path.rglob("a"))).read_text() == contents


def test_everything_that_was_left_in_a_directory_can_be_swept(tmp_path):
    for name in ("a", "b"):
        leave(tmp_path, name, "new")
    (tmp_path / ".c.partial-x").mkdir()
    files.sweep(tmp_path)
    assert entries(tmp_path) == [".c.partial-x"]


def test_other_names_are_not_swept(tmp_path):
    for name in (".other.partial-0", ".out2.partial-0", "out.partial-0", ".out.partial"):
        (tmp_path / name).mkdir()
    before = entries(tmp_path)
    files.write_file(tmp_path / "out", write_text("x"))
    assert entries(tmp_path) == sorted([*before, "out"])


def test_sha256_is_of_the_bytes(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    # FIPS 180-2, appendix B.1.
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert files.sha256(tmp_path / "a") == expected


def test_a_working_directory_that_another_writer_sweeps_meanwhile_is_made_again(
    tmp_path, monkeypatch
):
    swept = []

    class Swept(files.FileLock):
        def acquire(self, *arguments, **options):
            if not swept:
                swept.append(Path(self.lock_file).parent)
                swept[0].rmdir()
                raise FileExistsError(errno.EEXIST, "File exists")
            return super().acquire(*arguments, **options)

    monkeypatch.setattr(files, "FileLock", Swept)
    files.write_file(tmp_path / "a", write_text("x"))
    assert entries(tmp_path) == ["a"] and len(swept) == 1


def _of_living_process(tmp_path):
    """The working directory of a process that lives, and its lock, which it does not have yet."""
    holder = files.hidden(tmp_path / "out", files._WORK + 32 * "a")
    holder.mkdir()
    return holder, files.FileLock(holder / files._LOCK)


def test_a_sweep_leaves_a_lock_that_was_made_after_it_looked(tmp_path, monkeypatch):
    holder, lock = _of_living_process(tmp_path)
    exists = Path.exists

    def looked(path):
        found = exists(path)
        if path == holder / files._LOCK:
            lock.acquire()
        return found

    monkeypatch.setattr(Path, "exists", looked)
    files._sweep_one(holder, tmp_path / "out")
    monkeypatch.undo()
    assert (holder / files._LOCK).exists()
    lock.release()


def test_a_sweep_removes_a_lock_only_while_nobody_else_can_take_it(tmp_path, monkeypatch):
    holder, lock = _of_living_process(tmp_path)
    (holder / files._LOCK).touch()
    remove, taken = files._remove_holder, []

    def removing(found):
        with contextlib.suppress(files.Timeout):
            lock.acquire(timeout=0)
            taken.append(found)
        remove(found)

    monkeypatch.setattr(files, "_remove_holder", removing)
    files._sweep_one(holder, tmp_path / "out")
    assert not taken
    assert not holder.exists()
