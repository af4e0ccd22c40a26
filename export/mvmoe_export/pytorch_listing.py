"""PyTorch lists all of its operators for every name space again: do so once for an export.

Each `run_decompositions` asks for the composite operators of forty name spaces, and for each of
them PyTorch goes through those of all name spaces: a tenth of the time of a small export.
"""

import contextlib
from collections.abc import Iterator
from functools import cache

import torch._export.utils as lister


@contextlib.contextmanager
def operators_listed_once() -> Iterator[None]:
    """List operators once in this block; what is registered meanwhile is not looked for."""
    listing = lister._materialize_cpp_cia_ops
    lister._materialize_cpp_cia_ops = cache(listing)
    try:
        yield
    finally:
        lister._materialize_cpp_cia_ops = listing
