#!/usr/bin/env python3
"""Writes stand-ins for an engine's native libraries, where the real ones are not to be had.

An APK with them is complete to look at: its libraries lie as real ones do. No phone can load them,
and their names say so.
"""

import struct
import sys
from pathlib import Path

ABIS = {"arm64-v8a": 183, "x86_64": 62}
"""Each with its ELF machine."""
LIBRARIES = ("onnxruntime", "onnxruntime4j_jni")
PAGE = 16384
TEXT = b"A stand-in for a native library: build the APK with the real one.\n"


def shared_object(machine: int, alignment: int = PAGE) -> bytes:
    """An ELF file of 64 bits that holds one segment, and no code."""
    start, header = 64, 56
    size = start + header + len(TEXT)
    elf = struct.pack(
        "<4s5B7xHHIQQQIHHHHHH",
        *(b"\x7fELF", 2, 1, 1, 0, 0),  # 64 bits, little endian
        *(3, machine, 1, 0, start, 0, 0),  # a shared object
        *(start, header, 1, 0, 0, 0),
    )
    load = struct.pack("<IIQQQQQQ", 1, 4, 0, 0, 0, size, size, alignment)
    return elf + load + TEXT


def main() -> int:
    """Write the stand-ins of every ABI to the folder that the command line names."""
    (folder,) = map(Path, sys.argv[1:])
    for abi, machine in ABIS.items():
        (folder / abi).mkdir(parents=True, exist_ok=True)
        for library in LIBRARIES:
            (folder / abi / f"lib{library}_stand_in.so").write_bytes(shared_object(machine))
    return 0


if __name__ == "__main__":
    sys.exit(main())
