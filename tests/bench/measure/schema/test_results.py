"""Results files: what is kept, skipped, counted and refused."""

import fcntl
import json
from pathlib import Path

import pytest
from expected_errors import raises

from mvmoe_bench.measure.schema import records as r
from mvmoe_bench.measure.schema.results import ResultsFile, finished_jobs, read, reserved
from mvmoe_deploy.errors import InputError, OutputError


def lines(path):
    return path.read_bytes().splitlines(keepends=True)


def test_a_truncated_last_line_is_skipped_and_counted(measured, tmp_path):
    whole = read(measured)[0]
    cut = tmp_path / "cut.jsonl"
    cut.write_bytes(measured.read_bytes()[:-30])
    (run,) = read(cut)
    assert (run.skipped, len(run.lines)) == (1, len(whole.lines) - 1)
    assert whole.skipped == 0


@pytest.mark.parametrize(
    "damage",
    [
        b"no json at all\n",
        b'{"kind":"sample"}\n',
        b'{"kind":"unheard of"}\n',
        b'{"kind":"done","job":"x","load_average":null,"more":1}\n',
        b"[1, 2]\n",
        b"\xff\xfe\n",
        b"[" * 100_000 + b"\n",
        b'{"kind":"done","job":1,"load_average":NaN}\n',
        b'{"kind":"opened","job":"x","subject":"nobody","repeat":0,'
        b'"actual":{"engine":"e"},"open_ns":1}\n',
    ],
)
def test_damaged_lines_in_the_middle_are_skipped_and_counted(measured, tmp_path, damage):
    first, *rest = lines(measured)
    path = tmp_path / "damaged.jsonl"
    path.write_bytes(first + damage + b"".join(rest))
    (run,) = read(path)
    assert run.skipped == 1
    assert run.lines == read(measured)[0].lines


def test_results_that_an_editor_saved_with_a_byte_order_mark_are_read(measured, tmp_path):
    path = tmp_path / "marked.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + measured.read_bytes())
    assert read(path)[0].lines == read(measured)[0].lines


def test_another_schema_version_is_refused_in_one_sentence(measured, tmp_path):
    first, *rest = lines(measured)
    other = json.loads(first) | {"version": 2, "new_field": True}
    path = tmp_path / "other.jsonl"
    path.write_bytes(json.dumps(other).encode() + b"\n" + b"".join(rest))
    with pytest.raises(InputError, check=lambda error: error.code == "results.unsupported-version"):
        read(path)


@pytest.mark.parametrize("content", [b"", b"\n\n", b"hello\n", b'{"kind":"done"}\n'])
def test_files_without_a_run_are_refused(tmp_path, content):
    path = tmp_path / "none.jsonl"
    path.write_bytes(content)
    with pytest.raises(InputError, check=lambda error: error.code == "results.invalid"):
        read(path)


def test_what_is_no_file_is_refused(tmp_path):
    for path in (tmp_path, tmp_path / "nowhere.jsonl"):
        with pytest.raises(InputError, check=lambda error: error.code == "results.invalid"):
            read(path)


def test_two_runs_in_one_file_are_two_runs(measured, tmp_path):
    path = tmp_path / "two.jsonl"
    path.write_bytes(2 * measured.read_bytes())
    first, second = read(path)
    assert first.lines == second.lines


def test_a_new_file_does_not_replace_another_unless_told(measured, tmp_path):
    run = read(measured)[0].run
    path = tmp_path / "there.jsonl"
    path.write_text("precious")
    with pytest.raises(InputError, check=lambda error: error.code == "output.exists"):
        ResultsFile.new(path, run)
    with raises(InputError, "output.foreign", path=str(path)):
        ResultsFile.new(path, run, replace=True)
    assert path.read_text() == "precious"
    for before in (b"", measured.read_bytes(), lines(measured)[0].replace(b":1,", b":2,", 1)):
        path.write_bytes(before)
        with ResultsFile.new(path, run, replace=True) as out:
            out.write(r.Done(job="a", load_average=None))
        assert read(path)[0].lines == (r.Done(job="a", load_average=None),)


@pytest.mark.parametrize(
    "content", [b"dear all\n", b'{"kind":"run"}\n', b"[1]\n", b"[" * 100_000, b"\n{}", b"\xff"]
)
def test_a_file_that_holds_no_results_is_never_replaced(measured, tmp_path, content):
    run = read(measured)[0].run
    path = tmp_path / "there.jsonl"
    path.write_bytes(content)
    with raises(InputError, "output.foreign", path=str(path)):
        ResultsFile.new(path, run, replace=True)
    with raises(InputError, "output.foreign", path=str(path)):
        ResultsFile.again(path, [run])
    assert path.read_bytes() == content


def test_a_file_that_is_being_written_is_kept_from_others(measured, tmp_path):
    path, run = tmp_path / "open.jsonl", read(measured)[0].run
    says = pytest.raises(InputError, check=lambda error: error.code == "output.busy")
    with ResultsFile.new(path, run), says, reserved(path):
        pytest.fail("it was reserved")
    with reserved(path), ResultsFile.new(path, run, replace=True):
        pass
    for other in (tmp_path / "missing", tmp_path):
        with reserved(other):
            pass


def test_a_file_that_was_replaced_before_it_was_locked_is_taken(measured, tmp_path, monkeypatch):
    path, run = tmp_path / "open.jsonl", read(measured)[0].run
    ResultsFile.new(path, run).__exit__(None, None, None)

    def late(*_):
        path.unlink()
        path.write_bytes(b"another's")

    monkeypatch.setattr(fcntl, "flock", late)
    with pytest.raises(InputError, check=lambda error: error.code == "output.busy"), reserved(path):
        pytest.fail("it was reserved")


def test_lines_are_on_disk_when_they_were_written(measured, tmp_path):
    path = tmp_path / "open.jsonl"
    with ResultsFile.new(path, read(measured)[0].run) as out:
        out.write(r.Done(job="a", load_average=None))
        assert len(read(path)[0].lines) == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_is_one_sentence_that_names_the_way_on(tmp_path):
    path = tmp_path / "results.jsonl"
    with (
        raises(OutputError, "output.refused", path=str(path)),
        ResultsFile(path, open("/dev/full", "ab")) as out,  # noqa: PTH123
    ):
        out.write(r.Done(job="a", load_average=None))


def test_a_resumed_run_keeps_the_jobs_that_ended(measured):
    run = read(measured)[0]
    unfinished = [line for line in run.lines if line != r.Done(
        job="latency:1", load_average=getattr(line, "load_average", None)
    )]  # fmt: skip
    kept = finished_jobs(type(run)(run.path, run.run, tuple(unfinished), 0))
    jobs = {getattr(line, "job", None) for line in kept}
    assert "latency:1" not in jobs
    assert {"answers", "latency:0", None} <= jobs


def test_every_line_of_a_real_run_meets_the_published_schema(measured):
    import jsonschema

    from mvmoe_bench.measure.schema.lines import json_schema

    validator = jsonschema.Draft202012Validator(json_schema())
    for line in lines(measured)[:400]:
        validator.validate(json.loads(line))
