"""The evidence: whether routing images to experts pays, on data that anybody can get offline.

`python -m evidence.command --work DIR` trains what has no result yet, measures what it costs on a
phone's engines, and writes `docs/evidence.md`. What is trained is plain data: `plan_data.py`.

How long it takes, on one core of a 2-core AMD EPYC (an epoch of a 4x32 ViT on Fashion-MNIST is some
12 seconds of a core, 8 of which make the images): about 40 minutes a seed for Fashion-MNIST, 10
for the glyphs, and 20 for latencies and the table of `mvmoe bench`, which do not depend on the
number of seeds. So five seeds are about 4.5 hours of one core, or 2.5 hours with `--jobs 2`.
"""
