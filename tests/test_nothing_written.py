"""Every command writes what it was asked for, and nothing else anywhere; none uses a network.

All commands run in one process whose home, caches and temporary directory begin empty: that of each
command is looked at after it. A hook in that process and in all Python processes that it starts
notes what they write elsewhere, and every look-up and connection.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

CONFIG = {
    "image_size": 8, "patch_size": 4, "in_channels": 1, "num_classes": 10, "width": 16, "depth": 2,
    "heads": 2, "experts": 2, "moe_layers": 1,
}  # fmt: skip

CHECKPOINT = "OUT/run/super-class"
ALL = "--target onnx --target executorch --target coreml"
ONCE = "--dense-epochs 1 --moe-epochs 1"

COMMANDS = {
    "--help": ("", []),
    "init": ("tiny.json -o OUT/checkpoint", ["checkpoint"]),
    "train": (f"--preset tiny.json -o OUT/run {ONCE}", ["run"]),
    "convert": ("OUT/run/dense --to uoe -o OUT/cut --set experts=2 --calibrate digits", ["cut"]),
    "export": (f"{CHECKPOINT} -o OUT/bundle {ALL}", ["bundle"]),
    "inspect": ("OUT/bundle", []),
    "pack zip": ("OUT/bundle --target onnx -o OUT/app.zip", ["app.zip"]),
    "pack directory": ("OUT/bundle --target coreml -o OUT/app", ["app"]),
    "verify": (f"OUT/bundle --checkpoint {CHECKPOINT} --images 2", []),
    "run onnx": ("OUT/bundle image.png --target onnx", []),
    "run executorch": ("OUT/bundle image.png --target executorch", []),
    "run coreml": ("OUT/bundle image.png --target coreml", []),
    "bench": (
        f"OUT/bundle -o OUT/r.jsonl --preset quick --target onnx --checkpoint {CHECKPOINT} "
        "--compare static",
        ["r.jsonl"],
    ),
    "bench --advise": ("OUT/bundle", []),
    "report html": ("OUT/r.jsonl -o OUT/r.html", ["r.html"]),
    "report md": ("OUT/r.jsonl -o OUT/r.md", ["r.md"]),
    "report png": ("OUT/r.jsonl -o OUT/r.png", ["r.png"]),
}
"""By command: its further words, and what it is asked to write below OUT."""

HOOK = """
import os
import sys

_PLACE = os.environ["MVMOE_TEST_PLACE"]
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_NETWORK = ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto")
_NOTED = os.open(os.environ["MVMOE_TEST_NOTES"], os.O_WRONLY | os.O_APPEND)


def _outside(path):
    path = os.path.abspath(os.fsdecode(path))
    inside = path.startswith((_PLACE, "/dev/", "/proc/"))
    # Python keeps what it compiled of a module beside it, if the user lets it.
    return not inside and "__pycache__" not in path


def _look(event, arguments):
    if event in _NETWORK and isinstance(arguments[-1], str | bytes):
        return  # A socket of this machine's file system.
    writes = event == "open" and isinstance(arguments[0], str | bytes) and arguments[2] & _WRITES
    makes = event in ("os.mkdir", "os.rename", "os.link", "os.symlink")
    if event in _NETWORK or ((writes or makes) and _outside(arguments[0])):
        os.write(_NOTED, f"{event} {arguments!r}\\n".encode())


sys.addaudithook(_look)
"""

DRIVER = """
import json
import os
import sys
from pathlib import Path

import msgspec

from mvmoe_bench.measure.planning import bench_presets
from mvmoe_deploy import cli

place, commands = Path(sys.argv[1]), json.loads(sys.argv[2])
bench_presets.PRESETS["quick"] = msgspec.structs.replace(
    bench_presets.PRESETS["quick"],
    repeats=1, queries=3, starts=1, stream=4, warmup=0, cooldown=0.0,
)
found = {}


def written():
    looked_at = [place / name for name in ("home", "tmp", "cwd")]
    files = [path for folder in looked_at for path in folder.rglob("*")]
    return sorted(str(path.relative_to(place)) for path in files)


for name, words in commands.items():
    before = {path.name for path in (place / "out").iterdir()}
    try:
        cli.main([*name.split()[:1], *words, *[w for w in name.split()[1:] if w[0] == "-"]])
    except SystemExit as ended:
        code = ended.code
    made = sorted({path.name for path in (place / "out").iterdir()} - before)
    found[name] = {"code": code, "made": made, "written": written()}
(place / "found.json").write_text(json.dumps(found))
"""


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """What every command left, and what the hook noted."""
    place = tmp_path_factory.mktemp("nothing-written")
    for name in ("home", "tmp", "cwd", "out", "hook"):
        (place / name).mkdir()
    (place / "hook" / "sitecustomize.py").write_text(HOOK)
    (place / "notes").touch()
    _write_inputs(place)
    inputs = {"OUT": str(place / "out"), "tiny.json": str(place / "tiny.json")}
    inputs["image.png"] = str(place / "image.png")

    def placed(word):
        first, slash, rest = word.partition("/")
        return inputs.get(first, first) + slash + rest

    commands = {name: [*map(placed, words.split())] for name, (words, _) in COMMANDS.items()}
    done = subprocess.run(
        [sys.executable, "-c", DRIVER, str(place), json.dumps(commands)],
        cwd=place / "cwd",
        env=_environment(place),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads((place / "found.json").read_text())
    return told, (place / "notes").read_text(), done


def _write_inputs(place: Path) -> None:
    import numpy as np
    from PIL import Image

    (place / "tiny.json").write_text(json.dumps({"family": "mobile_vmoe", "config": CONFIG}))
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(place / "image.png")


def _environment(place: Path) -> dict[str, str]:
    """This environment without what its user has chosen of caches; with empty places."""
    chosen = ("XDG_", "TORCH", "MPL", "MATPLOTLIB", "ORT_", "HF_", "FONTCONFIG", "TMP", "TEMP")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(chosen)}
    paths = [str(place / "hook"), *filter(None, [os.environ.get("PYTHONPATH")])]
    return kept | {
        "HOME": str(place / "home"),
        "TMPDIR": str(place / "tmp"),
        "PYTHONPATH": os.pathsep.join(paths),
        "MVMOE_TEST_PLACE": str(place),
        "MVMOE_TEST_NOTES": str(place / "notes"),
    }


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_writes_what_it_was_asked_for_and_nothing_else(found, command):
    told, _, done = found
    assert told[command] == {"code": 0, "made": COMMANDS[command][1], "written": []}, done.stderr


def test_no_command_writes_elsewhere_or_uses_a_network(found):
    _, notes, _ = found
    assert notes == ""


def test_the_hook_notes_what_it_should(tmp_path):
    for name in ("home", "tmp", "hook"):
        (tmp_path / name).mkdir()
    (tmp_path / "hook" / "sitecustomize.py").write_text(HOOK)
    (tmp_path / "notes").touch()
    code = f"""
import os, socket
open({str(tmp_path / "home" / "inside")!r}, "w").close()
open({str(tmp_path.parent / "outside")!r}, "w").close()
os.mkdir({str(tmp_path.parent / "folder")!r})
socket.getaddrinfo("127.0.0.1", 1)
"""
    subprocess.run([sys.executable, "-c", code], env=_environment(tmp_path), check=True)
    noted = (tmp_path / "notes").read_text().splitlines()
    assert [line.split()[0] for line in noted] == ["open", "os.mkdir", "socket.getaddrinfo"]
