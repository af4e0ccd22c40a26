"""What is used of coremltools, imported without its warnings about the machine."""

import logging
from collections.abc import Sequence

from mvmoe_deploy.quiet_imports import import_quietly, without_packages
from mvmoe_deploy.runtime.runners.coreml_reference.converters import CONVERTERS

with import_quietly(), without_packages(*CONVERTERS):
    import coremltools as ct
    from coremltools._deps import _kmeans1d
    from coremltools.converters.mil.backend.mil.helper import (
        create_file_value_tensor,
        create_scalar_value,
        create_tensor_value,
    )
    from coremltools.converters.mil.frontend.milproto import load as milproto
    from coremltools.converters.mil.mil import Builder
    from coremltools.libmilstoragepython import _BlobStorageReader, _BlobStorageWriter
    from coremltools.proto import FeatureTypes_pb2, MIL_pb2, Model_pb2

logging.getLogger("coremltools").setLevel(logging.CRITICAL)

__all__ = [
    "Builder",
    "FeatureTypes_pb2",
    "MIL_pb2",
    "Model_pb2",
    "_BlobStorageReader",
    "_BlobStorageWriter",
    "cluster",
    "create_file_value_tensor",
    "create_scalar_value",
    "create_tensor_value",
    "ct",
    "milproto",
]


def cluster(points: Sequence[float], weights: Sequence[float], clusters: int) -> list[float]:
    """The centres of the best clusters of points on a line, each point with its weight."""
    centres: list[float] = _kmeans1d.cluster(points, clusters, weights=weights).centroids
    return centres
