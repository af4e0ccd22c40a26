"""What the plots of all sections share; each plot knows its height and draws itself on a canvas.

A plot is drawn at one width, which can be read on a phone and beside other plots on a wide screen;
colours are the page's own, or those of a picture.
"""

from mvmoe_bench.report.plots.canvas import Canvas, Plot

__all__ = ["Canvas", "Plot"]
