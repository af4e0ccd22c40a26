"""Stands in for the app on a phone: follows an order by the folder's contract, answers nothing.

Each subject has a line that says what was seen. Files of the phone's folder, which is four above
that of the order, say what it is: `behave` what goes wrong (`hang SUBJECT`, `die SUBJECT`,
`fail MESSAGE`, `unreadable`), `described.json` what the app says of itself instead of the below.
"""

import json
import os
import signal
import sys
import threading
import time
from pathlib import Path

DESCRIBED = {
    "java": "ART 2.1.0",
    "abi": "arm64-v8a",
    "engines": {},
    "variants": {
        "onnx": [
            {
                "requested": {"engine": "ONNX Runtime 1.29.0, Android", "provider": provider},
                "engine_options": options,
                "label": label,
            }
            for provider, options, label in (
                ("CPU", {}, ""),
                ("XNNPACK", {"provider": "xnnpack"}, "XNNPACK"),
                ("NNAPI", {"provider": "nnapi"}, "NNAPI"),
            )
        ]
    },
    "packages": {"onnxruntime": "1.29.0"},
    "subjects": ["dispatcher", "bare"],
    "identity": {},
}


class Folder:
    """The files that are fetched."""

    def __init__(self, place):
        self.place, self.beat, self.subject = place, 0, None
        self.lock = threading.Lock()

    def say(self, state, **fields):
        with self.lock:
            self.beat += 1
            said = {"state": state, "subject": self.subject, "beat": self.beat, **fields}
            self.replace("state.json", json.dumps(said))

    def replace(self, name, text):
        """As the app does: whoever fetches sees all of the file or none of it."""
        partial = self.place / f"{name}.part"
        partial.write_text(text)
        partial.replace(self.place / name)

    def live(self):
        while True:
            time.sleep(0.2)
            self.say("running")


def follow(path, folder, behave):
    folder.say("running")
    order = json.loads(path.read_text())
    if behave[:1] == ["unreadable"] and "/data/" not in order["images"]:
        folder.say("failed", message="it cannot be read", code="bench.unreadable")
        return
    if behave[:1] == ["fail"]:
        folder.say("failed", message=" ".join(behave[1:]), code=None)
        return
    with (folder.place / "lines.jsonl").open("w") as lines:
        for number, subject in enumerate(order["subjects"], start=1):
            (folder.place / "status").write_bytes(bytes([number]))
            folder.subject = subject["key"]
            print(json.dumps(seen(order, subject)), file=lines, flush=True)
            if behave == ["die", subject["key"]]:
                os.kill(os.getpid(), signal.SIGKILL)
            if behave == ["hang", subject["key"]]:
                time.sleep(600)
        print(json.dumps(seen(order, order["subjects"][-1]) | {"image": 1}), file=lines)
    folder.say("done")


def seen(order, subject):
    """An answer's line, whose name says which files were there."""
    root = Path(subject["root"])
    found = sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())
    assert Path(order["images"]).stat().st_size and order["started_ns"] == 0
    return {
        "kind": "answer", "job": order["job"], "subject": subject["key"], "image": 0,
        "name": json.dumps([str(root), found]), "label": None, "routes": None, "answer": 1,
        "max_abs_error": None, "max_rel_error": None,
    }  # fmt: skip


def main(words):
    folder = Folder(Path(words[words.index("--folder") + 1]).absolute())
    phone = folder.place.parents[3]
    folder.place.mkdir(parents=True, exist_ok=True)
    if words[0] == "describe":
        said = phone / "described.json"
        text = said.read_text() if said.exists() else json.dumps(DESCRIBED)
        folder.replace("describe.json", text)
        return
    behave = phone / "behave"
    threading.Thread(target=folder.live, daemon=True).start()
    follow(Path(words[1]), folder, behave.read_text().split() if behave.exists() else [])


main(sys.argv[1:])
