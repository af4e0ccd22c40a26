"""A bundle that is replaced while it is open: never an answer of two models mixed."""

import os
import shutil

import numpy as np
import pytest
from expected_errors import raises

from mvmoe_deploy import Dispatcher
from mvmoe_deploy.bundle import Bundle
from mvmoe_deploy.errors import BundleReplacedError, EngineError


@pytest.fixture(scope="session")
def other(single, tmp_path_factory):
    """Another model with the same shapes: its files have the sizes of the first one's."""
    path = tmp_path_factory.mktemp("other") / "model.bundle"
    shutil.copytree(single.path, path)
    weights = path / "onnx" / "weights.bin"
    values = np.fromfile(weights, np.float32)
    values[np.isfinite(values)] *= 1.25
    values.tofile(weights)
    return path


def swap_directories(path, other):
    """What `mv` or an export with --force does."""
    path.rename(path.with_name("old.bundle"))
    shutil.copytree(other, path)


def swap_weights(path, other):
    """A file of the same size and times takes the place of the weights."""
    weights, new = path / "onnx" / "weights.bin", path / "new"
    shutil.copyfile(other / "onnx" / "weights.bin", new)
    shutil.copystat(weights, new)
    new.replace(weights)


def write_in_place(path, other):
    """The same inode, size and time of the last change: only the content is another."""
    weights = path / "onnx" / "weights.bin"
    times = weights.stat()
    with weights.open("r+b") as file:
        file.write((other / "onnx" / "weights.bin").read_bytes())
    os.utime(weights, ns=(times.st_atime_ns, times.st_mtime_ns))


def swap_one_graph(path, other):
    """Another expert's graph under this one's name."""
    graphs = path / "onnx"
    for expert in range(4):
        shutil.copyfile(graphs / f"step1_e{expert}.onnx", graphs / f"new{expert}")
    for expert in range(4):
        (graphs / f"new{(expert + 1) % 4}").replace(graphs / f"step1_e{expert}.onnx")


def swap_for_a_link(path, other):
    """A link to another bundle's weights."""
    weights = path / "onnx" / "weights.bin"
    weights.unlink()
    weights.symlink_to(other / "onnx" / "weights.bin")


def remove(path, other):
    """The whole bundle."""
    shutil.rmtree(path)


SWAPS = [
    swap_directories,
    swap_weights,
    write_in_place,
    swap_one_graph,
    swap_for_a_link,
    remove,
]


@pytest.mark.parametrize("verify", [True, False])
@pytest.mark.parametrize("swap", SWAPS, ids=lambda swap: swap.__name__)
def test_an_expert_of_another_bundle_is_refused(copied, single, other, swap, verify):
    with Dispatcher.open(copied, threads=1, verify=verify) as dispatcher:
        swap(copied, other)
        for image in single.images[:6]:
            with raises(BundleReplacedError, "bundle.replaced"):
                dispatcher.run(image[None])
        with raises(BundleReplacedError, "bundle.replaced"):
            dispatcher.run(single.images)
        with raises(BundleReplacedError, "bundle.replaced"):
            dispatcher.prewarm()
        dispatcher.prewarm(wait=False)
        dispatcher._prewarming.join(30)
        assert dispatcher.resident == ()


def test_experts_in_memory_go_on_answering(copied, single, other, assert_answers):
    with Dispatcher.open(copied, threads=1) as dispatcher:
        dispatcher.prewarm()
        swap_directories(copied, other)
        assert_answers(dispatcher.run(single.images)["answer"], single.answers)


def test_the_same_content_under_another_identity_is_accepted(copied, single, assert_answers):
    with Dispatcher.open(copied, threads=1) as dispatcher:
        swap_directories(copied, single.path)
        os.utime(copied / "onnx" / "stem.onnx")
        assert_answers(dispatcher.run(single.images)["answer"], single.answers)


def test_a_swap_during_the_load_itself_is_seen(copied, single, other):
    """After the check of the files, before the engine opens them."""

    class Swapping:
        def __init__(self, runner):
            self.runner = runner

        def load(self, name):
            swap_weights(copied, other)
            return self.runner.load(name)

    with Dispatcher.open(copied, threads=1) as dispatcher:
        loader = dispatcher._graphs._residency._load
        loader._runner = Swapping(loader._runner)
        with raises(BundleReplacedError, "bundle.replaced"):
            dispatcher.run(single.images[:1])
        assert dispatcher.resident == ()


def test_a_swap_between_the_hashes_and_the_stem_is_seen(copied, other, monkeypatch):
    from mvmoe_deploy.runtime import dispatcher as module

    def open_runner(*arguments, **options):
        swap_weights(copied, other)
        return real(*arguments, **options)

    real = module.open_runner
    monkeypatch.setattr(module, "open_runner", open_runner)
    with raises(BundleReplacedError, "bundle.replaced"):
        Dispatcher.open(copied)


def test_a_link_to_the_bundle_may_turn_to_another(copied, single, other, tmp_path, assert_answers):
    """The way a release is switched: the open bundle stays the one it was."""
    link = tmp_path / "current"
    link.symlink_to(copied)
    with Dispatcher.open(link, threads=1) as dispatcher:
        link.unlink()
        link.symlink_to(other)
        assert_answers(dispatcher.run(single.images)["answer"], single.answers)


def test_the_working_directory_may_change(copied, single, monkeypatch, tmp_path, assert_answers):
    monkeypatch.chdir(copied.parent)
    with Dispatcher.open(copied.name, threads=1) as dispatcher:
        monkeypatch.chdir(tmp_path)
        assert_answers(dispatcher.run(single.images)["answer"], single.answers)


def test_a_file_that_was_missing_and_is_there_later_is_verified(copied, single, assert_answers):
    file = copied / "onnx" / "step1_e1.onnx"
    content = file.read_bytes()
    file.unlink()
    image = single.images[single.routes[0].index((1,))][None]
    with Dispatcher.open(copied, threads=1, verify=False) as dispatcher:
        with pytest.raises(EngineError, check=lambda error: error.code == "engine.partial-result"):
            dispatcher.run(image)
        file.write_bytes(content[:-1] + b"?")
        with raises(BundleReplacedError, "bundle.replaced"):
            dispatcher.run(image)
        file.write_bytes(content)
        assert_answers(dispatcher.run(single.images)["answer"], single.answers)


def test_files_of_packages_belong_to_their_graphs(single):
    from mvmoe_deploy.runtime.graph_cache import _GraphFiles

    target = Bundle.open(single.path).target("onnx")
    listed = _GraphFiles(target)
    for graph in target.graphs:
        assert [file.path for file in listed[graph.name]] == [graph.file, target.weights]
