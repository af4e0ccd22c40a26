"""What all tests share: repeatable properties, and one thread each on a machine that others use."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import hypothesis

# Same examples in every run, none kept on disk; how long one takes is the machine's affair.
hypothesis.settings.register_profile("repeatable", derandomize=True, database=None, deadline=None)
hypothesis.settings.load_profile("repeatable")
