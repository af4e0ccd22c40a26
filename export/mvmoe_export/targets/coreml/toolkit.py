"""What is used of coremltools, imported without its warnings about the machine."""

import logging

from mvmoe_deploy.quiet_imports import import_quietly

with import_quietly():
    import coremltools as ct
    from coremltools.converters.mil.frontend.milproto import load as milproto
    from coremltools.converters.mil.mil import Builder
    from coremltools.libmilstoragepython import _BlobStorageReader, _BlobStorageWriter
    from coremltools.proto import MIL_pb2, Model_pb2

logging.getLogger("coremltools").setLevel(logging.CRITICAL)

__all__ = [
    "Builder",
    "MIL_pb2",
    "Model_pb2",
    "_BlobStorageReader",
    "_BlobStorageWriter",
    "ct",
    "milproto",
]
