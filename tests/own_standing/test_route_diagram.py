"""The first picture of the documentation is the one that its code draws, and needs nothing else."""

import re
from pathlib import Path
from xml.etree import ElementTree

from mvmoe_deploy.picture_look import DARK, LIGHT
from own_standing.route_diagram import drawing

DOCS = Path(__file__).parents[2] / "docs"


def test_the_committed_picture_is_what_is_drawn():
    assert (DOCS / "route.svg").read_text(encoding="utf-8") == drawing()


def test_one_expert_is_taken_and_the_others_are_not():
    root = ElementTree.fromstring(drawing())
    boxes = [box.get("class") for box in root.iter("{http://www.w3.org/2000/svg}rect")]
    assert [boxes.count(name) for name in ("box taken", "idle", "best")] == [1, 3, 1]
    assert "--c3: " + LIGHT["c3"] in drawing() and "--c3: " + DARK["c3"] in drawing()


def test_it_fetches_nothing():
    addresses = set(re.findall(r"https?://[^\s\"'<>]+", drawing()))
    assert addresses == {"http://www.w3.org/2000/svg"}
    assert "@import" not in drawing() and "@font-face" not in drawing()
