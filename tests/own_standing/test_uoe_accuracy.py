"""The accuracy of cuts: every row, what it is made of, and the mean outputs of experts."""

import pytest
from idx_files import write_idx_folder
from scipy import stats

from mvmoe_deploy.models import build
from mvmoe_deploy.models.families.uoe import PART
from mvmoe_deploy.models.families.vit import ViTConfig
from mvmoe_deploy.training.training_report import read_report
from own_standing import uoe_accuracy
from own_standing.uoe_accuracy import Case, interval, measure, show

DENSE = ViTConfig(
    image_size=6, patch_size=2, in_channels=1, num_classes=3, width=16, depth=2, heads=4
)
FORMS = ["images, one router", "images, a router for each part", "tokens"]


@pytest.fixture(scope="module")
def case(tmp_path_factory) -> Case:
    data = write_idx_folder(tmp_path_factory.mktemp("data"), train=120, test=60)
    recipe = {"batch_size": 16, "lr": 4e-3, "ema": 0.0}
    return Case(str(data), DENSE, epochs=6, tuned=2, from_nothing=True, recipe=recipe)


@pytest.fixture(scope="module")
def measured(case, tmp_path_factory):
    folder = tmp_path_factory.mktemp("measured")
    return folder, measure(case, folder, (0, 1))


def test_every_form_has_its_rows_for_every_seed(measured):
    _, rows = measured
    kinds = ["cut", "cut, with mean outputs", "fine-tuned"]
    expected = [("dense", "as trained"), ("dense", "trained further")]
    for form in FORMS:
        expected += [(form, kind) for kind in kinds]
        expected += [(form, "from nothing")] if form != FORMS[1] else []
    assert [(row.form, row.what) for row in rows] == expected
    for row in rows:
        assert len(row.top1) == len(row.difference) == 2
        assert all(0 <= top1 <= 1 for top1 in row.top1)
        assert row.difference == tuple(
            one - other for one, other in zip(row.top1, rows[0].top1, strict=True)
        )


def test_the_dense_model_has_learnt_and_is_what_was_cut(measured):
    folder, rows = measured
    # A bright row names the class: after six epochs more than the half of three classes is known.
    assert min(rows[0].top1) > 0.5
    for seed in (0, 1):
        report = read_report(folder / str(seed) / "tuned-2" / "report.json")
        assert report.start.checkpoint == str(folder / str(seed) / "dense" / "dense")
        assert report.dense.test_accuracy == rows[0].top1[seed]
        assert report.seconds.keys() == {"super-classes", "end-to-end"}


def test_what_was_trained_is_not_trained_again(case, measured, monkeypatch):
    folder, rows = measured
    monkeypatch.setattr("mvmoe_deploy.training.loop.Trainer.fit", None)
    assert measure(case, folder, (0, 1)) == rows


def test_the_table_has_means_and_students_intervals(case, measured, capsys):
    _, rows = measured
    show(case, rows)
    table = capsys.readouterr().out
    assert table.count("\n| ") == len(rows) + 1
    values = (0.9, 0.92, 0.97)
    mean, half = interval(values)
    expected = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert (mean - half, mean + half) == pytest.approx(tuple(expected))
    with pytest.raises(ValueError, match="give at least two"):
        interval([0.9])


def test_the_cases_are_of_both_paradigms():
    for case in uoe_accuracy.CASES:
        for form in FORMS:
            assert PART.to_dense(build(case.config(form), seed=0)).config == case.dense
