"""The page and its picture are what the results say, and nothing else."""

import re

import pytest
from PIL import Image

from evidence.evidence_page import write_page
from evidence.piece_results import Bench, Results, Subject
from evidence.plan_data import DENSE, FURTHER, UOE, mobile_vmoe
from mvmoe_deploy.errors import InputError

ROUTED = mobile_vmoe("super-class", 4, 1)


@pytest.fixture
def results(made, timed) -> Results:
    """Two seeds of three models at the main size, with latencies."""
    for seed in (0, 1):
        made(DENSE, "4x32", seed, 0.7)
        made(FURTHER, "4x32", seed, 0.8 + seed / 100)
        made(UOE[0], "4x32", seed, 0.75 + seed / 100, macs=200_000)
        found = made(ROUTED, "4x32", seed, 0.81 + seed / 50, router_accuracy=0.5, agreement=0.25)
    timed(found, "4x32", dense=0.25, dense_further=0.25, super_class_e4_k1=0.375)
    return found


def page_of(case, results, tmp_path, seeds=(0, 1)) -> str:
    """The text of the page, written again over the one before."""
    page = tmp_path / "page.md"
    write_page((case,), seeds, results, page)
    return page.read_text()


def row_of(text: str, title: str) -> list[str]:
    """The cells of a model's row in the main table."""
    line = re.search(rf"^\| {re.escape(title)} \|.*$", text, flags=re.MULTILINE)
    return [cell.strip() for cell in line.group().strip("|").split("|")]


def test_rows_have_the_figures_of_the_results(case, results, tmp_path):
    text = page_of(case, results, tmp_path)
    routed = row_of(text, ROUTED.title)
    # Student's interval of two seeds is 12.7 standard errors; the values are 81 and 83%.
    assert routed[1] == "82.00 ± 12.71"
    assert routed[2].startswith("+1.50 ±") and routed[5] == "2"
    assert routed[6:9] == ["0.4", "50.0", "40.0"] and routed[9] == "0.375"
    assert row_of(text, UOE[0].title)[1] == "75.50 ± 6.35"
    assert "25.00 ± 0.00% as it is cut" in text
    assert f"| 4x32, {ROUTED.title} | 50.0% | 0.25 |" in text
    assert "4x16: dense, trained further" in text and "Latency was not measured yet" not in text


def test_another_result_is_another_page(case, results, made, tmp_path):
    before = page_of(case, results, tmp_path)
    assert page_of(case, results, tmp_path) == before
    made(ROUTED, "4x32", 1, 0.87)
    after = page_of(case, results, tmp_path)
    assert row_of(after, ROUTED.title)[1] == "84.00 ± 38.12"
    assert row_of(after, FURTHER.title) == row_of(before, FURTHER.title)


def test_missing_seeds_are_said(case, results, made, tmp_path):
    made(FURTHER, "4x32", 2, 0.8)
    text = page_of(case, results, tmp_path, seeds=(0, 1, 2))
    assert row_of(text, ROUTED.title)[5] == "2 of 3"
    assert row_of(text, FURTHER.title)[5] == "3"
    assert row_of(page_of(case, results, tmp_path, seeds=(0,)), ROUTED.title)[1] == "81.00"


def test_a_difference_that_is_none_is_called_none(case, results, made, tmp_path):
    pair = f"**{UOE[0].title}** against **{FURTHER.title}**: "
    text = page_of(case, results, tmp_path)
    assert f"{pair}-5.00 ± 0.00 points, which is less" in text
    made(UOE[0], "4x32", 1, 0.90)
    assert "no difference that 2 seeds show" in page_of(case, results, tmp_path).split(pair)[1]
    only = page_of(case, results, tmp_path, seeds=(0,)).split(pair)[1]
    assert only.startswith("-5.00 points, of one seed, from which nothing follows")


def test_models_that_are_better_and_worse_are_counted(case, results, made, tmp_path):
    told = "of 2 routed models {} are better, {} worse, and of {} these seeds show no difference"
    # The cut model is 5 points below in both seeds; the routed one 1 and 2 above.
    assert told.format(0, 1, 1) in page_of(case, results, tmp_path)
    made(ROUTED, "4x32", 0, 0.82)
    made(ROUTED, "4x32", 1, 0.83)
    assert told.format(1, 1, 0) in page_of(case, results, tmp_path)


def test_the_table_of_the_bench_is_of_its_result(case, results, tmp_path):
    assert "Not measured yet." in page_of(case, results, tmp_path)
    subject = Subject(
        model="uoe", target="executorch", macs=307_216_976, params_total=11_492_308,
        params_active=6_309_724, graphs=7, bundle_bytes=46_500_000, partitions=2, nodes_outside=3,
        ms=3.456, low=3.4, high=3.5, over_dense=0.75, over_dense_low=0.7, over_dense_high=0.8,
        resident_one=30e6, resident_all=None,
    )  # fmt: skip
    bench = Bench(
        subjects=[subject], repeats=9, started="today", load_average=None, versions={},
        machine="a machine",
    )  # fmt: skip
    results.put_bench(bench)
    text = page_of(case, results, tmp_path)
    assert (
        "| executorch | UoE of width 268, one router, 2 of 4 | 3.46 | 0.75 (0.70 to 0.80) | 307 | "
        "11.49 | 6.31 | 7 | 46.5 | 30.0 | - | 2 (3) |"
    ) in text


def test_the_picture_lies_beside_the_page_and_is_replaced(case, results, tmp_path):
    text = page_of(case, results, tmp_path)
    picture = tmp_path / "page_made_up.png"
    assert "(page_made_up.png)" in text
    with Image.open(picture) as drawn:
        assert drawn.width > 3 * drawn.height / 2
    page_of(case, results, tmp_path)
    picture.write_bytes(b"somebody's")
    with pytest.raises(InputError) as refused:
        page_of(case, results, tmp_path)
    assert refused.value.code == "output.foreign"
    assert picture.read_bytes() == b"somebody's"


def test_without_any_result_there_is_no_page(case, tmp_path):
    with pytest.raises(InputError, check=lambda error: error.code == "data.invalid"):
        page_of(case, Results(tmp_path / "empty"), tmp_path)


def test_a_file_that_is_no_result_is_named(case, results, tmp_path):
    file = results.folder / "made-up" / "4x32" / f"{FURTHER.name}.seed-1.json"
    file.write_text(file.read_text().replace('"top1": 0.81', '"top1": "many"'))
    with pytest.raises(InputError, check=lambda error: error.code == "resume.damaged") as found:
        page_of(case, results, tmp_path)
    assert found.value.fields["path"] == str(file)
