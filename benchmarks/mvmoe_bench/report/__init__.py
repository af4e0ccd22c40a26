"""From the lines of one run to reports: a page, Markdown, a picture, a comparison, a terminal.

`sections/` holds one folder a section: its figures and how they are shown. `run_summary.py`
collects figures, `document.py` what a report consists of, and one file for each format writes it.
Times are in ms and sizes in bytes, as the fields' names say.
"""
