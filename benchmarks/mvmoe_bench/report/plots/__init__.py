"""Plots of a report, one kind a file: each knows its height and draws itself on a canvas.

A plot is drawn three times: wide and narrow for the page, whose colours are the page's own, and
perhaps once more for a picture. It knows figures and a canvas, nothing of pages.
"""

from mvmoe_bench.report.plots.canvas import Canvas, Plot

__all__ = ["Canvas", "Plot"]
