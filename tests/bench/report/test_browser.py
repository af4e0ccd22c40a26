"""The page in headless Chromium: quiet, alone, readable on a phone, sortable, dark, printable."""

import shutil
import time
from dataclasses import replace

import msgspec
import pytest

from mvmoe_bench.report.report_files import write_report

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
MISSING = (
    "playwright is not installed; run: pip install playwright",
    "no Chromium was found; install the package chromium",
)


@pytest.fixture(scope="module")
def browser():
    sync = pytest.importorskip("playwright.sync_api", reason=MISSING[0])
    if CHROMIUM is None:
        pytest.skip(MISSING[1])
    with sync.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield opened
        opened.close()


def _phones(factory):
    """The same on two phones, one of them slower."""
    runs = [factory.lifelike(seed=seed, repeats=6, rounds=12, slower=2.0 + seed) for seed in (2, 3)]
    models = ("iPhone 16 iPhone17,3", "Maker Phone 7")
    return [
        replace(run, run=msgspec.structs.replace(run.run, device="ios", identity={"model": model}))
        for run, model in zip(runs, models, strict=True)
    ]


@pytest.fixture(scope="module")
def reports(factory, tmp_path_factory):
    """One page of every kind, by name."""
    folder = tmp_path_factory.mktemp("reports")
    run = factory.lifelike(repeats=6, rounds=12)
    slower = factory.lifelike(seed=1, repeats=6, rounds=12, slower=1.2)
    runs = {
        "whole": ([run], "one"),
        "hostile": ([factory.hostile()], "one"),
        "routes": ([factory.lifelike(experts=10, k=2, stages=2, repeats=6, rounds=20)], "one"),
        "comparison": ([run, slower], "compare"),
        "devices": ([run, *_phones(factory)], "side-by-side"),
    }
    for name, (which, form) in runs.items():
        write_report(which, folder / f"{name}.html", "html", form)
    return folder


@pytest.fixture
def opened(browser, reports):
    """Opens a page by name; afterwards nothing may have been said or asked for."""
    said, asked, pages = [], [], []

    def open_page(name, width=1100, **options):
        page = browser.new_page(viewport={"width": width, "height": 900}, **options)
        pages.append(page)
        page.on("console", lambda message: said.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto((reports / f"{name}.html").as_uri())
        return page

    yield open_page
    for page in pages:
        page.close()
    assert said == []
    outside = [url for url in asked if not url.startswith(("file:", "data:"))]
    assert outside == []
    assert len([url for url in asked if url.startswith("file:")]) == len(pages)


PAGES = ("whole", "routes", "comparison", "devices")


def test_hostile_names_run_nothing(opened):
    page = opened("hostile")

    assert page.locator("script").count() == 1
    assert page.locator("a:not([href^='#'])").count() == 0
    assert "<script>alert(1)</script>" in page.locator("h1").inner_text()


def _boxes(page, selector=".plot svg"):
    """Width and height of every plot that is shown."""
    return page.eval_on_selector_all(
        selector,
        "all => all.map(e => e.getBoundingClientRect()).filter(b => b.width)"
        ".map(b => [b.width, b.height])",
    )


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("width", [1100, 375])
def test_every_plot_is_shown_once_fits_and_can_be_read(opened, name, width):
    page = opened(name, width)

    plots = page.locator(".plot").count()
    boxes = _boxes(page)
    assert plots >= (1 if name == "devices" else 3)
    assert len(boxes) == plots
    assert all(100 < wide <= width and high > 60 for wide, high in boxes)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    _require_legible(page)


def _require_legible(page):
    """Text of the plots that are shown is large enough, and inside of its plot."""
    texts = page.evaluate(
        """() => [...document.querySelectorAll('.plot svg')]
        .filter(svg => svg.getBoundingClientRect().width)
        .flatMap(svg => [...svg.querySelectorAll('text')].map(text => {
          const box = text.getBoundingClientRect(), out = svg.getBoundingClientRect();
          const scale = out.width / svg.viewBox.baseVal.width;
          return [parseFloat(getComputedStyle(text).fontSize) * scale,
                  box.left - out.left, out.right - box.right, text.textContent];
        }))"""
    )

    assert min(size for size, *_ in texts) >= 8.5
    readable = [size for size, *_ in texts if size >= 10]
    assert len(readable) / len(texts) > 0.9
    assert [text for _, left, right, text in texts if left < -3 or right < -3] == []


def test_every_section_of_measurements_has_a_plot(opened):
    page = opened("whole")

    for section in ("latency", "ratios", "parts", "routes", "residency", "sustained", "memory",
                    "starts", "size", "classes", "parity", "machine"):  # fmt: skip
        assert _boxes(page, f"#{section} .plot svg"), section


def test_plots_are_named_for_those_who_cannot_see_them(opened):
    page = opened("whole")

    labels = page.eval_on_selector_all(".plot svg[role=img]", "all => all.map(e => e.ariaLabel)")
    assert len(labels) == page.locator(".plot").count()
    assert all(labels)


def _column(page, number):
    """The cells of one column of the latency table."""
    cells = page.locator(f"#latency tbody tr > :nth-child({number})")
    return cells.all_inner_texts()


def test_tables_sort_by_click_and_by_keyboard(opened):
    page = opened("whole")
    heading = page.locator("#latency thead th").nth(1)
    before = _column(page, 2)

    heading.get_by_role("button").click()
    ascending = [float(text) for text in _column(page, 2)]
    assert heading.get_attribute("aria-sort") == "ascending"
    assert ascending == sorted(map(float, before))

    heading.get_by_role("button").focus()
    page.keyboard.press("Enter")
    assert heading.get_attribute("aria-sort") == "descending"
    assert [float(text) for text in _column(page, 2)] == ascending[::-1]

    page.locator("#latency thead th").nth(0).get_by_role("button").click()
    assert _column(page, 1) == sorted(_column(page, 1))
    assert heading.get_attribute("aria-sort") == "none"


def test_what_was_not_measured_sorts_last(opened):
    page = opened("whole")
    heading = page.locator("#starts thead th", has_text="manifest").first
    place = heading.evaluate("cell => cell.cellIndex + 1")

    for _ in range(2):
        heading.get_by_role("button").click()
        column = page.locator(f"#starts tbody >> nth=0 >> tr > :nth-child({place})")
        assert column.all_inner_texts()[-1] == "-"


def _ground(page):
    """The page's background."""
    return page.evaluate("getComputedStyle(document.body).backgroundColor")


def test_dark_and_light_and_the_button(opened):
    light, dark = opened("whole"), opened("whole", color_scheme="dark")
    assert _ground(light) == "rgb(255, 255, 255)"
    assert _ground(dark) == "rgb(17, 22, 28)"

    for page, other in ((light, "rgb(17, 22, 28)"), (dark, "rgb(255, 255, 255)")):
        first = _ground(page)
        page.locator("#theme").click()
        assert _ground(page) == other
        page.locator("#theme").click()
        assert _ground(page) == first


def test_plots_follow_the_theme(opened):
    page = opened("whole")
    colour = "getComputedStyle(document.querySelector('.plot text')).fill"

    before = page.evaluate(colour)
    page.locator("#theme").click()

    assert page.evaluate(colour) != before


def _until(page, folded):
    """Wait until so many details are folded (playwright's own waiting evaluates strings)."""
    for _ in range(100):
        if page.locator("details:not([open])").count() == folded:
            return
        time.sleep(0.02)
    pytest.fail(f"{page.locator('details:not([open])').count()} folded, {folded} wanted")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_print_is_light_and_shows_what_is_folded(opened, scheme):
    page = opened("whole", color_scheme=scheme)
    folded = page.locator("details:not([open])").count()
    assert folded >= 3

    page.emulate_media(media="print")
    _until(page, 0)
    assert _ground(page) == "rgb(255, 255, 255)"
    assert not page.locator("#theme").is_visible()

    page.emulate_media(media="screen")
    _until(page, folded)


def test_wide_tables_scroll_in_their_own_box(opened):
    page = opened("whole", 375)

    box = page.locator("#latency .scroll")
    assert box.evaluate("e => e.scrollWidth > e.clientWidth")
    box.evaluate("e => { e.scrollLeft = 200; }")
    assert page.evaluate("scrollX") == 0


def test_a_table_that_goes_on_says_so_and_one_that_does_not_is_silent(opened):
    hint = "#latency .more"
    narrow, wide = opened("whole", 375), opened("whole", 3000)
    assert narrow.locator(hint).first.is_visible()
    assert "scroll sideways" in narrow.locator(hint).first.inner_text()
    wide.add_style_tag(content="body { max-width: none !important }")
    wide.wait_for_timeout(200)
    assert not wide.locator(hint).first.is_visible()


@pytest.mark.parametrize("width", [1400, 390])
def test_the_first_screen_says_what_to_do(opened, width):
    page = opened("whole", width)

    def top(selector):
        return page.locator(selector).first.bounding_box()["y"]

    assert "Ship onnx" in page.locator("dl.advice").inner_text()
    assert "97.50%" in page.locator("dl.advice").inner_text()
    assert top("dl.advice") < 250
    assert top("dl.advice") < top("#ship table") < top(".tiles") < top("#latency")
    if width == 1400:
        assert top("#ship table") < 800


def test_rows_stay_low_and_nothing_is_clipped_on_a_phone(opened):
    page = opened("whole", 375)

    rows = page.eval_on_selector_all(
        ".scroll", "all => all.filter(e => e.clientWidth && !e.closest('#method'))"
        ".flatMap(e => [...e.querySelectorAll('tbody tr')].map(r => r.offsetHeight))"
    )  # fmt: skip
    clipped = page.eval_on_selector_all(
        "td, th", "all => all.filter(e => e.scrollWidth > e.clientWidth + 1).map(e => e.innerText)"
    )

    assert rows
    assert max(rows) < 100
    assert clipped == []
