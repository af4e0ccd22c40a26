"""What the tests of the report's sections share: tables by their titles, plots as drawn lines."""

import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from mvmoe_bench.report.document import document
from mvmoe_bench.report.plots.canvas import WIDTH, Canvas
from mvmoe_bench.report.run_summary import summarize_run
from mvmoe_deploy.picture_look import DPI, LIGHT


class Shown:
    """One section of a run's report."""

    def __init__(self, section):
        self.lead = section.lead
        self.blocks = section.blocks

    def rows(self, number=0):
        """The rows of one of its tables, cells by the titles of their columns.

        An interval is called after the number before it.
        """
        tables = [block for block in self.blocks if hasattr(block, "columns")]
        names = []
        for column in tables[number].columns:
            after = f"{names[-1]} interval" if column.title == "95% interval" else column.title
            names.append(after)
        return [
            dict(zip(names, (cell.text for cell in row), strict=True))
            for row in tables[number].rows
        ]

    def chart(self, number=0):
        return [block for block in self.blocks if hasattr(block, "plot")][number]

    def axes(self, number=0):
        """The axes of one of its plots, drawn."""
        return draw(self.chart(number).plot)


def draw(plot):
    """The axes of a plot."""
    height = plot.height()
    figure = Figure(figsize=(WIDTH / DPI, height / DPI), dpi=DPI)
    plot.draw(Canvas(figure, WIDTH, height, LIGHT))
    return figure.axes


@pytest.fixture(scope="session")
def shown():
    """Makes the report of a run and takes one section out of it."""

    def take(run, name):
        (found,) = (s for s in document(summarize_run(run)).sections if s.id == name)
        return Shown(found)

    return take


@pytest.fixture(scope="session")
def bars():
    """The bars of axes: left, width, row, height and colour."""

    def found(axes):
        boxes = [(*patch.get_xy(), patch) for patch in axes.patches]
        return [
            (round(x, 6), round(patch.get_width(), 6), y + patch.get_height() / 2,
             patch.get_height(), to_hex(patch.get_facecolor()))
            for x, y, patch in boxes
        ]  # fmt: skip

    return found
