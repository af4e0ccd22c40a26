"""The command from end to end in its short form, killed and resumed; and what it refuses."""

import json

import click
import pytest
from filelock import FileLock

from evidence import piece_training
from evidence.cases import Case, Piece, Size, pieces
from evidence.command import evidence
from evidence.piece_results import Results
from evidence.plan_data import DENSE, FURTHER, SHORT, UOE
from mvmoe_deploy.errors import InputError


def run(*arguments) -> None:
    """The command, its errors as they are."""
    evidence.main([str(each) for each in arguments], standalone_mode=False)


@pytest.fixture(scope="module")
def short(tmp_path_factory):
    """A short run whose second piece was killed between training and writing, and went on."""
    work = tmp_path_factory.mktemp("evidence")
    with pytest.MonkeyPatch.context() as patch:
        figures = piece_training._figures

        def killed(piece, *rest):
            if piece.cell.name == FURTHER.name:
                raise KeyboardInterrupt
            return figures(piece, *rest)

        patch.setattr(piece_training, "_figures", killed)
        with pytest.raises((KeyboardInterrupt, click.Abort)):
            run("--work", work, "--short", "--seed", 7, "--only", "train")
    left = {path.name: path.read_bytes() for path in (work / "results").rglob("*.json")}
    run(
        "--work", work, "--short", "--seed", 7, "--only", "train", "--only", "latency", "--only",
        "page",
    )  # fmt: skip
    return work, left


def test_what_was_done_before_a_kill_is_kept(short):
    work, left = short
    assert set(left) == {f"{DENSE.name}.seed-7.json"}
    folder = work / "results" / "digits" / "2x16"
    assert (folder / f"{DENSE.name}.seed-7.json").read_bytes() == left[f"{DENSE.name}.seed-7.json"]
    names = {path.name for path in folder.iterdir()}
    cells = {cell.name for cell in SHORT[0].sizes[0].cells}
    assert names == {"latency.json", *(f"{name}.seed-7.json" for name in cells)}


def test_results_say_what_was_trained(short):
    work, _ = short
    found = {piece.cell.name: Results(work / "results").of(piece) for piece in pieces(SHORT, (7,))}
    assert all(result.seed == 7 and 0 <= result.top1 <= 1 for result in found.values())
    # 1,079 images make four batches of 256 an epoch.
    assert found["dense"].steps == {"dense": 4}
    assert found["super-class-e4-k1"].steps == {"dense": 4, "more": 4} == found["uoe-images"].steps
    assert found["uoe-images"].macs < 0.6 * found["dense"].macs
    assert found["uoe-images"].top1_at_start is not None
    text = json.dumps([result.settings for result in found.values()])
    assert str(work) not in text and '"seed": 7' in text
    latencies = Results(work / "results").latencies("digits", "2x16")
    assert latencies.cells["dense"] == latencies.cells["dense-further"]
    assert latencies.cells["dense-further"].over_dense == 1
    assert latencies.cells["uoe-images"].ms > 0
    assert "## Digits, the short form" in (work / "evidence.md").read_text()
    assert (work / "evidence_digits.png").stat().st_size > 10_000


def test_what_has_a_result_is_not_trained_again(short, monkeypatch):
    work, _ = short
    monkeypatch.setattr("mvmoe_deploy.training.train", None)
    monkeypatch.setattr("evidence.bundle_latencies._Run", None)
    page = (work / "evidence.md").read_text()
    steps = ("--only", "train", "--only", "latency", "--only", "page")
    run("--work", work, "--short", "--seed", 7, *steps)
    assert (work / "evidence.md").read_text() == page


def test_a_model_of_which_only_the_result_was_kept_is_trained_again(short, tmp_path):
    work, _ = short
    results = Results(work / "results")
    size = SHORT[0].sizes[0]
    piece = Piece(SHORT[0], size, size.by_name[FURTHER.name], 7)
    again = piece_training.kept_checkpoint(piece, tmp_path, results)
    first = piece_training.checkpoint(piece, work)
    weights = [path / "model.safetensors" for path in (again, first)]
    assert weights[0].read_bytes() == weights[1].read_bytes()


def test_a_piece_that_somebody_is_at_is_left_to_him(short, monkeypatch):
    work, _ = short
    size = SHORT[0].sizes[0]
    piece = Piece(SHORT[0], size, size.by_name[FURTHER.name], 8)
    (work / piece.name).parent.mkdir(parents=True, exist_ok=True)
    monkeypatch.setattr(piece_training, "_train", None)
    with FileLock(work / f"{piece.base.name}.lock"):
        assert not piece_training._done(piece, work, Results(work / "results"))


def test_cells_with_one_kind_of_graphs_share_a_bundle():
    size = SHORT[0].sizes[0]
    assert size.by_name[DENSE.name].graphs == size.by_name[FURTHER.name].graphs
    assert UOE[0].graphs != UOE[1].graphs != UOE[2].graphs
    other = Size(name="other", dense=size.dense, cells=(DENSE, FURTHER))
    case = Case(name="x", title="x", data="digits", dense_epochs=1, more_epochs=1, sizes=(other,))
    assert Piece(case, other, FURTHER, 0).base == Piece(case, other, DENSE, 0)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--data", "imagenet"), "input.option"),
        (("--folder", "/nothing/here"), "data.invalid"),
        (("--only", "page", "--results", "{work}/none"), "data.invalid"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(tmp_path, arguments, code):
    given = [each.format(work=tmp_path) for each in arguments]
    with pytest.raises(InputError) as refused:
        run("--work", tmp_path, "-o", tmp_path / "page.md", *given)
    assert refused.value.code == code
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "page.md").exists()


def test_the_page_replaces_no_file_of_somebody_else(tmp_path):
    page = tmp_path / "notes.md"
    page.write_text("mine")
    with pytest.raises(InputError) as refused:
        run("--work", tmp_path / "work", "--short", "-o", page)
    assert refused.value.code == "output.foreign"
    assert page.read_text() == "mine" and not (tmp_path / "work").exists()


@pytest.mark.parametrize(
    "arguments", [("--seed", "-1"), ("--only", "everything"), ("--jobs", "0"), ()]
)
def test_options_out_of_range_are_refused(tmp_path, arguments):
    work = () if not arguments else ("--work", tmp_path)
    with pytest.raises(click.UsageError):
        run(*work, *arguments)
