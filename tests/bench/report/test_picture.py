"""The picture of a run says what a reader must know before believing it."""

import pytest
from PIL import Image

from mvmoe_bench.report.picture import draw_picture
from mvmoe_bench.report.run_summary import summarize_run
from mvmoe_deploy.picture_look import LIGHT


@pytest.mark.parametrize(("repeats", "warned"), [(6, False), (3, True)])
def test_a_warning_stands_below_the_title_and_a_quiet_run_has_none(
    factory, tmp_path, repeats, warned
):
    key = factory.subject("dispatcher")
    run = factory.run([key], lines=factory.constant(key.key, 2.0, repeats))
    draw_picture(summarize_run(run), tmp_path / "picture.png")
    with Image.open(tmp_path / "picture.png") as picture:
        # Two dots a pixel; below title and subtitle, above the first plot's heading.
        line = picture.convert("RGB").crop((0, 2 * 62, picture.width, 2 * 78))
        found = {f"#{r:02x}{g:02x}{b:02x}" for _, (r, g, b) in line.getcolors(2**24)}
    assert (LIGHT["c2"] in found) is warned
