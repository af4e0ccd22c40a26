"""The documentation as a site: it builds without a warning, and asks no other host for anything."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
QUOTED_BY = DOCS / "choosing.md"


@pytest.fixture(scope="session")
def site(made_once):
    def build(place):
        done = subprocess.run(
            [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "-d", place],
            cwd=ROOT,
            env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert (done.returncode, done.stdout + done.stderr) == (0, "")

    return made_once("site", build)


def test_every_page_is_in_the_site(site):
    pages = {str(page.relative_to(DOCS).with_suffix(".html")) for page in DOCS.rglob("*.md")}
    built = {str(page.relative_to(site)) for page in site.rglob("*.html")}
    assert built == pages | {"404.html"}


def test_every_page_is_in_the_navigation():
    import yaml

    def pages(entries):
        for entry in entries:
            for value in entry.values():
                yield from [value] if isinstance(value, str) else pages(value)

    listed = list(pages(yaml.safe_load((ROOT / "mkdocs.yml").read_text())["nav"]))
    there = {str(page.relative_to(DOCS)) for page in DOCS.rglob("*.md")}
    assert sorted(listed) == sorted(there)


def test_no_page_loads_anything_from_another_host(site):
    loads = re.compile(r"<(?:script|img|iframe|source)\b[^>]*\ssrc=\"?(https?:[^\s\">]+)")
    links = re.compile(r"<link\b[^>]*>")
    for page in site.rglob("*.html"):
        text = page.read_text()
        assert loads.findall(text) == [], page
        for link in links.findall(text):
            assert "canonical" in link or not re.search(r"href=\"?https?:", link), (page, link)
        assert 'data-md-component="source"' not in text  # It would ask for a repository's stars.
    for sheet in site.rglob("*.css"):
        assert not re.search(r"url\(['\"]?https?:", sheet.read_text()), sheet


def test_the_api_is_there_with_docstrings_and_signatures(site):
    page = (site / "api.html").read_text()
    for name in (
        "mvmoe_deploy.runtime.dispatcher.Dispatcher.open",
        "mvmoe_deploy.bundle.read.Bundle.verify",
        "mvmoe_deploy.verification.bundle_verification.verify_bundle",
        "mvmoe_export.bundling.export_bundle",
    ):
        assert f'id="{name}"' in page, name
    assert "max_resident_experts" in page


def test_quick_starts_stand_side_by_side(site):
    page = (site / "quick_start.html").read_text()
    assert re.findall(r"<label for=\"?__tabbed_\w+\"?>(\w+)</label>", page) == [
        "Python",
        "Swift",
        "Kotlin",
    ]


def quoted_figures():
    """Each place with figures that `choosing.md` links to a page: the page, and the figures."""
    text = QUOTED_BY.read_text()
    rows = [line for line in text.splitlines() if line.startswith("|")]
    points = re.findall(r"^- (.*?)(?=^- |^\n|^`)", text, re.MULTILINE | re.DOTALL)
    for place in rows + points:
        source = re.search(r"\(((?:performance|compression|strategies)\.md)", place)
        words = re.sub(r"`[^`]*`|\[[^\]]*\]\([^)]*\)", "", place)
        figures = re.findall(r"(?<![\w.])-?\d[\d,]*\.\d+(?!\w)|\d+(?=%)", words)
        if source and figures:
            yield source[1], figures


def test_figures_of_the_page_that_advises_are_those_of_the_pages_it_links():
    places = list(quoted_figures())
    assert sum(len(figures) for _, figures in places) > 30
    for page, figures in places:
        text = (DOCS / page).read_text()
        for figure in figures:
            assert re.search(rf"(?<![\d.]){re.escape(figure)}(?![\d.]*\d)", text), (page, figure)
