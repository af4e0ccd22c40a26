"""The kinds of fuzzing: what is damaged, and what must hold of whoever reads it.

A case is a set of files, made from a random generator alone. An attempt puts them into a folder and
uses them. It may end well or with one of our errors in one plain line; everything else is a
finding: another exception, the end of the process, gigabytes of memory. Hashes are mended, so that
damage gets past them: they protect against accidents, not against an author.
"""

import gzip
import hashlib
import io
import json
import resource
import shutil
import struct
import sys
import unicodedata
import zipfile
from pathlib import Path

import material
import msgspec
import numpy as np
from idx_files import write_idx_folder
from mutations import damaged, damaged_json, damaged_png

from mvmoe_deploy.bundle import Bundle, consistency
from mvmoe_deploy.bundle.read import parse_manifest
from mvmoe_deploy.errors import MvmoeError
from mvmoe_deploy.preprocessing import Preprocessing, preprocess

MOST_BYTES = 2 * 2**30
"""What an attempt may add to the largest size of the process."""

MOST_BUFFERS = 2**26
"""Larger graphs than this are loaded but not run: their buffers are allowed, but slow."""


class FindingError(Exception):
    """What must not happen, happened."""


class Kind:
    """One kind. `seconds` is what a case may take before it counts as one that never ends."""

    seconds = 60

    def __init__(self, made, work):
        self.made, self.work = Path(made), Path(work)
        self.work.mkdir(parents=True, exist_ok=True)

    def case(self, rng):
        """The files of a case: bytes by name."""
        raise NotImplementedError

    def use(self, files):
        """Read what the case says; gives a word for how it ended."""
        raise NotImplementedError

    def attempt(self, files):
        """Use a case; raises FindingError for what must not happen."""
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        try:
            ended = self.use(files)
        except MvmoeError as error:
            require_plain(str(error))
            ended = type(error).__name__
        except Exception as error:
            raise FindingError(f"{type(error).__name__}: {error}") from error
        unit = 1 if sys.platform == "darwin" else 1024
        grown = unit * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
        if grown > MOST_BYTES:
            raise FindingError(f"it took {grown:,} bytes")
        return ended

    def close(self):
        """Let go of what the kind holds."""


def require_plain(message):
    """A message is one line without what a terminal obeys, and not endless."""
    odd = [c for c in message if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp")]
    if odd or not message or len(message) > 5000:
        raise FindingError(f"its message is not one plain line: {message[:500]!r}")


class Manifest(Kind):
    """The manifest: what opens can be summarised and shown, and asks for little memory."""

    def case(self, rng):
        data = (self.made / "everything.mvmoe" / "manifest.json").read_bytes()
        return {"manifest.json": damaged_json(data, rng)}

    def use(self, files):
        from rich.console import Console

        from mvmoe_deploy.cli.bundle_view import BundleView, show_bundle

        manifest = parse_manifest(files["manifest.json"], "the case")
        view = BundleView.of("the case", manifest, None)
        json.dumps(msgspec.to_builtins(view), allow_nan=False)
        show_bundle(Console(file=io.StringIO(), width=200), view)
        for target in manifest.targets.values():
            if buffers(target) > consistency.MAX_BUFFER_BYTES:
                raise FindingError(f"its buffers have {buffers(target):,} bytes")
        return "read"


def buffers(target):
    """Bytes of the arrays that a call of a target needs."""
    first = {graph.stage: graph for graph in target.graphs}
    specs = [spec for graph in first.values() for spec in (*graph.inputs, *graph.outputs)]
    return sum(int(np.prod(s.shape, dtype=float)) * np.dtype(s.dtype).itemsize for s in specs)


class BundleFiles(Kind):
    """The files of one target of a bundle, their hashes mended."""

    target = ""
    ends = ("",)

    def __init__(self, made, work):
        super().__init__(made, work)
        self.bundle = self.work / "case.mvmoe"
        shutil.rmtree(self.bundle, ignore_errors=True)
        shutil.copytree(self.made / "everything.mvmoe", self.bundle)
        self.manifest = json.loads((self.bundle / "manifest.json").read_text())

    def listed(self):
        """The manifest's records of the files that are damaged."""
        return [
            file
            for file in self.manifest["targets"][self.target]["files"]
            if file["path"].endswith(self.ends)
        ]

    def case(self, rng):
        files = [file["path"] for file in self.listed()]
        # The largest hold weights, of which one byte is as good as another.
        sizes = [1 / (1 + (self.bundle / file).stat().st_size) for file in files]
        chosen = rng.choices(files, sizes if rng.random() < 0.7 else None)[0]
        return {chosen: self.damage(chosen, (self.bundle / chosen).read_bytes(), rng)}

    def damage(self, name, data, rng):
        """The file, damaged."""
        return damaged_json(data, rng) if name.endswith(".json") else damaged(data, rng, 20_000)

    def use(self, files):
        whole = {name: (self.bundle / name).read_bytes() for name in (*files, "manifest.json")}
        try:
            for name, data in files.items():
                (self.bundle / name).write_bytes(data)
            (self.bundle / "manifest.json").write_text(json.dumps(self._mended(files)))
            return self.use_bundle(Bundle.open(self.bundle))
        finally:
            for name, data in whole.items():
                (self.bundle / name).write_bytes(data)

    def _mended(self, files):
        """The manifest with the sizes and hashes of the files of a case."""
        manifest = json.loads(json.dumps(self.manifest))
        records = [file for t in manifest["targets"].values() for file in t["files"]]
        for record in [*records, manifest["golden"]["file"]]:
            if record["path"] in files:
                data = files[record["path"]]
                record |= {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        return manifest

    def use_bundle(self, bundle):
        """Load every graph and run it on ones."""
        bundle.verify(self.target)
        record = bundle.target(self.target)
        runner = self.open_runner(bundle.path, record)
        for graph in record.graphs:
            loaded = runner.load(graph.name)
            if buffers(record) <= MOST_BUFFERS:
                inputs, outputs = (
                    {spec.name: np.ones(spec.shape, spec.dtype) for spec in specs}
                    for specs in (graph.inputs, graph.outputs)
                )
                loaded.bind(inputs, outputs)()
        return "run"

    def open_runner(self, root, record):
        """What runs the graphs."""
        from mvmoe_deploy.runtime.runners import open_runner

        return open_runner(root, record)


class Isolated(BundleFiles):
    """Graphs of an engine in native code, which some files end: that is one error there."""

    seconds = 120

    def __init__(self, made, work):
        from mvmoe_deploy.runtime.isolated import isolated_runners

        super().__init__(made, work)
        self._block = isolated_runners(time_limit=60)
        self._open = self._block.__enter__()

    def open_runner(self, root, record):
        return self._open(root, record)

    def close(self):
        self._block.__exit__(None, None, None)


class Onnx(Isolated):
    """ONNX graphs and their weights."""

    target = "onnx"


class ExecuTorch(Isolated):
    """ExecuTorch's programs."""

    target = "executorch"


class MlProgram(BundleFiles):
    """Core ML's packages, read and evaluated by our own reader."""

    target = "coreml"


class Golden(BundleFiles):
    """The golden vectors."""

    target = "onnx"

    def listed(self):
        return [self.manifest["golden"]["file"]]

    def damage(self, name, data, rng):
        return damaged_safetensors(data, rng)

    def use_bundle(self, bundle):
        bundle.golden()
        return "read"


def damaged_safetensors(data, rng):
    """A safetensors file with damage in its header's JSON, or anywhere."""
    if rng.random() < 0.4:
        return damaged(data, rng)
    (size,) = struct.unpack_from("<Q", data)
    header = damaged_json(data[8 : 8 + size], rng)
    length = len(header) if rng.random() < 0.9 else rng.choice([0, 2**32, 2**63, 90_000_000])
    return struct.pack("<Q", length) + header + data[8 + size :]


class Safetensors(Kind):
    """A checkpoint as one safetensors file, its configuration inside."""

    def __init__(self, made, work):
        from mvmoe_deploy.models import load_checkpoint, save_checkpoint

        super().__init__(made, work)
        checkpoint = load_checkpoint(self.made / "tiny")
        save_checkpoint(checkpoint, self.work / "whole.safetensors", replace=True)
        self.data = (self.work / "whole.safetensors").read_bytes()

    def case(self, rng):
        return {"case.safetensors": damaged_safetensors(self.data, rng)}

    def use(self, files):
        return load(self.work, files)


class Pickled(Kind):
    """A state dict as PyTorch writes it: as an archive, whose checksums are mended, or older."""

    def __init__(self, made, work):
        import torch

        from mvmoe_deploy.models import load_checkpoint

        super().__init__(made, work)
        state = load_checkpoint(self.made / "tiny").model.state_dict()
        self.forms = []
        for zipped in (True, False):
            out = io.BytesIO()
            torch.save(state, out, _use_new_zipfile_serialization=zipped)
            self.forms.append(out.getvalue())

    def case(self, rng):
        archive, plain = self.forms
        if rng.random() < 0.25:
            return {"case.pt": damaged(plain, rng)}
        if rng.random() < 0.25:
            return {"case.pt": damaged(archive, rng)}
        return {"case.pt": damaged_archive(archive, rng)}

    def use(self, files):
        return load(self.work, files)


def damaged_archive(data, rng):
    """An archive with one entry damaged and its checksum right again; most often the pickle."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = {entry.filename: archive.read(entry) for entry in archive.infolist()}
    pickle = next(name for name in entries if name.endswith("data.pkl"))
    chosen = pickle if rng.random() < 0.7 else rng.choice(list(entries))
    entries[chosen] = damaged(entries[chosen], rng)
    out = io.BytesIO()
    packing = zipfile.ZIP_DEFLATED if rng.random() < 0.05 else zipfile.ZIP_STORED
    with zipfile.ZipFile(out, "w", packing) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return out.getvalue()


def load(folder, files):
    """Load the checkpoint that a case is."""
    from mvmoe_deploy.models import load_checkpoint
    from mvmoe_deploy.models.families.mobile_vmoe import MobileVMoEConfig

    ((name, data),) = files.items()
    (folder / name).write_bytes(data)
    config = None if name.endswith(".safetensors") else MobileVMoEConfig(**material.CONFIG)
    load_checkpoint(folder / name, config)
    return "read"


class Images(Kind):
    """Pictures in every format that is read."""

    def __init__(self, made, work):
        super().__init__(made, work)
        self.forms = material.images()

    def case(self, rng):
        name, data = rng.choice(list(self.forms.items()))
        if data.startswith(b"\x89PNG") and rng.random() < 0.7:
            return {name: damaged_png(data, rng)}
        return {name: damaged(data, rng, 256)}

    def use(self, files):
        ((name, data),) = files.items()
        (self.work / name).write_bytes(data)
        preprocess(self.work / name, Preprocessing(height=8, width=8))
        return "read"


class Idx(Kind):
    """A directory of MNIST's four files, one of them damaged, as it is or inside of its pack."""

    def __init__(self, made, work):
        super().__init__(made, work)
        for packed in (True, False):
            write_idx_folder(self.work / "whole", packed=packed)
        self.forms = {path.name: path.read_bytes() for path in (self.work / "whole").iterdir()}

    def case(self, rng):
        name = rng.choice(sorted(self.forms))
        if name.endswith(".gz") and rng.random() < 0.7:
            inner = damaged(gzip.decompress(self.forms[name]), rng, 16)
            return {name: gzip.compress(inner, mtime=0)}
        return {name: damaged(self.forms[name], rng, 16)}

    def use(self, files):
        from mvmoe_deploy.training.datasets.idx_folder import IdxFolder

        ((name, data),) = files.items()
        folder = self.work / "case"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        packed = name.endswith(".gz")
        healthy = {
            other: whole for other, whole in self.forms.items() if packed == (".gz" in other)
        }
        for other, content in {**healthy, name: data}.items():
            (folder / other).write_bytes(content)
        found = IdxFolder(folder)
        for part in ("train", "held-out", "test"):
            images, labels = found.split(part)
            if len(images) != len(labels) or not set(labels.tolist()) <= set(range(256)):
                raise FindingError(f"the images of {part} have other labels")
        found.statistics()
        return "read"


KINDS = {
    "manifest": Manifest,
    "onnx": Onnx,
    "executorch": ExecuTorch,
    "ml-program": MlProgram,
    "golden": Golden,
    "checkpoint-pt": Pickled,
    "checkpoint-safetensors": Safetensors,
    "image": Images,
    "idx": Idx,
}
