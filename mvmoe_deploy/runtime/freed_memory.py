"""Memory that engines have freed, given back to the system."""

import ctypes
import sys


def return_free_memory() -> None:
    """Give freed memory back where the C library would keep it: glibc does."""
    if sys.platform == "linux" and hasattr(ctypes.CDLL(None), "malloc_trim"):
        ctypes.CDLL(None).malloc_trim(0)
