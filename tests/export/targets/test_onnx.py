"""The files of the `onnx` target: size, layout, cleanliness, validity."""

from pathlib import Path

import numpy as np
import onnx
from hypothesis import given, settings
from hypothesis import strategies as st

from mvmoe_deploy.bundle import Bundle
from mvmoe_export.weight_file import StoredBytes, WeightFile

LINE, PAGE, PAGE_FROM = 64, 4096, 64 * 1024


def graphs(path):
    return {
        file: onnx.load(file, load_external_data=False) for file in sorted(path.rglob("*.onnx"))
    }


def places(model):
    """Where each initializer of a graph lies, and what it is."""
    for tensor in model.graph.initializer:
        if tensor.data_location == onnx.TensorProto.EXTERNAL:
            entry = {item.key: item.value for item in tensor.external_data}
            assert entry["location"] == "weights.bin"
            yield tensor, StoredBytes(int(entry["offset"]), int(entry["length"]))


def check_size(model, path, distinct_bytes):
    parameters = distinct_bytes(model)
    weights = (path / "onnx" / "weights.bin").stat().st_size
    assert weights <= 1.03 * parameters + LINE * len(model.state_dict())
    total = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    assert total <= 1.03 * parameters + 100_000 * len(graphs(path))
    for file in graphs(path):
        assert file.stat().st_size < 100_000


def check_layout(path):
    taken = {place for model in graphs(path).values() for _, place in places(model)}
    end, content = 0, (path / "onnx" / "weights.bin").read_bytes()
    for place in sorted(taken, key=lambda place: place.offset):
        assert place.offset >= end, "two tensors overlap"
        assert place.offset % (PAGE if place.length >= PAGE_FROM else LINE) == 0
        assert not any(content[end : place.offset]), "something lies between the tensors"
        end = place.offset + place.length
    assert end == len(content)
    stored = [content[place.offset : place.offset + place.length] for place in taken]
    assert len(set(stored)) == len(stored), "a tensor is stored twice"


def check_cleanliness(path):
    for file, model in graphs(path).items():
        data = file.read_bytes()
        for trace in (b"site-packages", b".py", b"Traceback", b"/tmp", str(Path.home()).encode()):
            assert trace not in data
        values = (*model.graph.input, *model.graph.output, *model.graph.value_info)
        for part in (model, model.graph, *model.graph.node, *model.graph.initializer, *values):
            assert not part.doc_string
            assert not part.metadata_props
        assert not model.functions
        assert [opset.domain for opset in model.opset_import] == [""]


def check_manifest(path):
    target = Bundle.open(path).target("onnx")
    readers = [{place for _, place in places(model)} for model in graphs(path).values()]
    by_file = dict(zip((file.name for file in graphs(path)), readers, strict=True))
    for graph in target.graphs:
        mine = by_file[Path(graph.file).name]
        others = set().union(*(taken for name, taken in by_file.items() if taken is not mine))
        assert graph.weight_bytes == sum(place.length for place in mine)
        assert graph.exclusive_bytes == sum(place.length for place in mine - others)


def test_bundles_are_small_aligned_clean_and_valid(ours, distinct_bytes):
    model, path = ours
    check_size(model, path, distinct_bytes)
    check_layout(path)
    check_cleanliness(path)
    check_manifest(path)
    for file in graphs(path):
        onnx.checker.check_model(str(file), full_check=True)


def test_a_foreign_bundle_is_small_aligned_clean_and_valid(foreign_bundle, distinct_bytes):
    test_bundles_are_small_aligned_clean_and_valid(foreign_bundle, distinct_bytes)


def test_experts_graphs_share_all_but_the_experts(foreign_bundle):
    model, path = foreign_bundle
    expert = sum(parameter.nbytes for parameter in model.experts[0][0].parameters())
    graphs = Bundle.open(path).target("onnx").graphs
    assert [graph.exclusive_bytes for graph in graphs[1:]] == [expert] * 6


arrays = st.lists(
    st.tuples(
        st.sampled_from(["float32", "int64", "float16", "bool"]),
        st.lists(st.integers(0, 5), max_size=3),
        st.integers(0, 2),
    ),
    max_size=8,
)


@settings(max_examples=50)
@given(arrays=arrays, large=st.integers(0, 2))
def test_a_weight_file_gives_back_what_was_added(tmp_path_factory, arrays, large):
    tensors = [np.full(shape, value, dtype) for dtype, shape, value in arrays]
    tensors += [np.full(PAGE_FROM, value, np.uint8) for value in range(large)]
    path = tmp_path_factory.mktemp("weights") / "weights.bin"
    with WeightFile(path) as file:
        taken = [file.add(tensor) for tensor in tensors]
        assert taken == [file.add(tensor.copy()) for tensor in tensors]
    content = path.read_bytes()
    for tensor, place in zip(tensors, taken, strict=True):
        assert content[place.offset : place.offset + place.length] == tensor.tobytes()
        assert place.offset % (PAGE if place.length >= PAGE_FROM else LINE) == 0


def test_a_weight_file_is_little_endian_and_contiguous(tmp_path):
    big = np.arange(6, dtype=">f4").reshape(2, 3)
    with WeightFile(tmp_path / "weights.bin") as file:
        assert file.add(big) == file.add(big.astype("<f4"))
        turned = file.add(big.T)
    content = (tmp_path / "weights.bin").read_bytes()[turned.offset :]
    assert content == big.T.astype("<f4").tobytes()
