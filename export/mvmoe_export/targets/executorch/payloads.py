"""XNNPACK's payload in a `.pte`: the nodes and values of one delegated piece.

It is a FlatBuffer behind a header. ExecuTorch's package writes it and never reads it, so it is read
through the compiler of FlatBuffers that the package has, as JSON.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from executorch.backends.xnnpack.serialization.xnnpack_graph_serialize import (
    XNNHeader,
    _aligned_size,
    _get_schema_bytes,
    _pad_to,
)
from executorch.exir._serialize._flatbuffer import _flatc_compile, _flatc_decompile

from mvmoe_deploy.errors import BundleError
from mvmoe_deploy.system.temporary import temporary_directory

_NONE = 2**32 - 1
"""The number of a value that there is not."""

_OUTPUT = 2
"""The flag of a value that the caller reads: `XNN_VALUE_FLAG_EXTERNAL_OUTPUT`."""

_DTYPES = {"xnn_datatype_fp32": "float32", "xnn_datatype_fp16": "float16"}
_ALIGNMENT = 16
_INFINITE = re.compile(r":\s*(-?(?:inf|nan))\b")


class Payload:
    """One delegated piece; values are numbers."""

    def __init__(self, data: bytes) -> None:
        try:
            header = XNNHeader.from_bytes(data[: XNNHeader.EXPECTED_LENGTH])
        except (ValueError, AttributeError) as error:
            raise BundleError(
                f"a payload of XNNPACK cannot be read: {error}", name="payload"
            ) from error
        end = header.flatbuffer_offset + header.flatbuffer_size
        self._graph = _as_json(data[header.flatbuffer_offset : end])
        start = header.constant_data_offset
        self._constants = data[start : start + header.constant_data_size]
        values = (value["xvalue_union"] for value in self._graph["xvalues"])
        # Of a quantized value the tensor is inside.
        tensors = (value.get("tensor_value", value) for value in values)
        self._values: dict[int, Any] = {value["id_out"]: value for value in tensors}

    @property
    def inputs(self) -> list[int]:
        """The values that the caller gives, in the order of its arguments."""
        return self._in_order(self._graph["input_ids"])

    @property
    def outputs(self) -> list[int]:
        """The values that the caller reads, in the order of its arguments."""
        return self._in_order(self._graph["output_ids"])

    @property
    def constants(self) -> set[str]:
        """The names of the data that the payload reads from the program's file."""
        return {entry["named_key"] for entry in self._graph["constant_data"]} - {""}

    def nodes(self) -> Iterator[tuple[str, list[int], list[int]]]:
        """For each node its operator, the values that it reads, and those that it makes."""
        for node in self._graph["xnodes"]:
            fields = node["xnode_union"]
            ids = {key: value for key, value in fields.items() if key.endswith("_id")}
            made = [value for key, value in ids.items() if key.startswith("output")]
            read = [value for key, value in ids.items() if not key.startswith("output")]
            yield node["xnode_union_type"], [value for value in read if value != _NONE], made

    def shape(self, value: int) -> tuple[int, ...]:
        """The shape of a value; of an image with the channels last."""
        return tuple(self._values[value].get("dims") or ())

    def dtype(self, value: int) -> str | None:
        """NumPy's name of a value's type; None for one that is no floating-point number."""
        return _DTYPES.get(self._values[value]["datatype"])

    def with_outputs(self, values: Sequence[int]) -> bytes:
        """The payload with more values that the caller reads, behind those that it has."""
        graph: dict[str, Any] = json.loads(json.dumps(self._graph))
        found = (value["xvalue_union"] for value in graph["xvalues"])
        tensors = {value["id_out"]: value for value in (v.get("tensor_value", v) for v in found)}
        for value in values:
            tensors[value]["external_id"] = graph["num_externs"]
            tensors[value]["flags"] |= _OUTPUT
            graph["num_externs"] += 1
            graph["output_ids"].append(value)
        body = _as_flatbuffer(graph)
        offset = _aligned_size(XNNHeader.EXPECTED_LENGTH, _ALIGNMENT)
        size = _aligned_size(len(body), _ALIGNMENT)
        header = XNNHeader(offset, len(body), offset + size, len(self._constants))
        return b"".join([_pad_to(header.to_bytes(), offset), _pad_to(body, size), self._constants])

    def _in_order(self, ids: Sequence[int]) -> list[int]:
        """Values in the order of their external numbers, which is that of the arguments."""
        return sorted(ids, key=lambda value: int(self._values[value]["external_id"]))


def _as_json(data: bytes) -> dict[str, Any]:
    """A payload's FlatBuffer as JSON data."""
    with temporary_directory() as folder:
        schema, file = _schema(folder), folder / "graph.bin"
        file.write_bytes(data)
        try:
            _flatc_decompile(str(folder), str(schema), str(file), ["--raw-binary"])
        except Exception as error:  # What a process raises that ends with a code or does not start.
            raise BundleError(
                f"a payload of XNNPACK cannot be read: {error}", name="payload"
            ) from error
        text = (folder / "graph.json").read_text()
    graph: dict[str, Any] = json.loads(_INFINITE.sub(r': "\1"', text))
    return graph


def _as_flatbuffer(graph: Mapping[str, Any]) -> bytes:
    """JSON data as a payload's FlatBuffer."""
    with temporary_directory() as folder:
        schema, file = _schema(folder), folder / "graph.json"
        file.write_text(json.dumps(graph))
        _flatc_compile(str(folder), str(schema), str(file))
        return (folder / "graph.bin").read_bytes()


def _schema(folder: Path) -> Path:
    path = folder / "schema.fbs"
    path.write_bytes(_get_schema_bytes())
    return path
