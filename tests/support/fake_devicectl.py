"""An iPhone on this machine: a program `xcrun devicectl` that answers as Apple's does.

It writes the JSON that devicectl documents and others have published: `info`, and `result` or
`error`. The phone is a folder: `devices.json` is what is listed, `container` the app's own folder,
`app` the script that an app's start runs (`own-words` is there if it gets the app's own words),
`told` what was asked. `refuse` names a command and what it is refused with:
`process launch: locked`; `hang` a command that never answers; `misplace` makes copies land in a
folder of the name that was given, as some versions do; `cut-off` ends the copy of a folder before
all of it is there.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

CORE = "com.apple.dt.CoreDeviceError"
IDENTIFIER = "0A1B2C3D-0000-5000-8000-00000000F00D"
APP = "io.github.mvmoe.demo"


def device(name="Ada's iPhone", identifier=IDENTIFIER, **more):
    """What is listed of a phone; keywords replace properties, wherever they are."""
    found = {
        "identifier": identifier,
        "visibilityClass": "default",
        "capabilities": [],
        "connectionProperties": {
            "pairingState": "paired", "tunnelState": "connected", "transportType": "wired",
        },
        "deviceProperties": {
            "name": name, "osVersionNumber": "18.5", "osBuildUpdate": "22F76",
            "developerModeStatus": "enabled", "ddiServicesAvailable": True,
        },
        "hardwareProperties": {
            "udid": f"00008140-{identifier[-12:]}", "serialNumber": f"SN{identifier[-4:]}",
            "platform": "iOS", "reality": "physical", "deviceType": "iPhone",
            "marketingName": "iPhone 16", "productType": "iPhone17,3", "hardwareModel": "D47AP",
        },
    }  # fmt: skip
    for properties in found.values():
        if isinstance(properties, dict):
            properties.update({key: more[key] for key in properties.keys() & more})
    return found


def error(domain, code, text, reason="", below=None):
    """An error as it is written."""
    info = {"NSLocalizedDescription": {"string": text}}
    if reason:
        info["NSLocalizedFailureReason"] = {"string": reason}
    if below is not None:
        info["NSUnderlyingError"] = {"error": below}
    return {"domain": domain, "code": code, "userInfo": info}


_NOT_UNLOCKED = f"Unable to launch {APP} because the device was not, or could not be, unlocked."
_FBS = "FBSOpenApplicationErrorDomain"

REFUSALS = {
    "locked": error(
        CORE, 10002, "The application failed to launch.",
        below=error(
            "FBSOpenApplicationServiceErrorDomain", 1, f'The request to open "{APP}" failed.',
            "The request was denied by service delegate (SBMainWorkspace) for reason: Locked.",
            error(_FBS, 7, f"The operation couldn't be completed. {_NOT_UNLOCKED}", _NOT_UNLOCKED),
        ),
    ),
    "untrusted": error(
        CORE, 10002, "The application failed to launch.",
        below=error(
            _FBS, 3, "The operation couldn't be completed.",
            "Unable to launch because its profile has not been explicitly trusted by the user.",
        ),
    ),
    "developer-mode": error(
        CORE, 10001, "Developer Mode is disabled.", "Enable Developer Mode in Settings."
    ),
    "lost": error(CORE, 4000, "A connection to this device could not be established."),
    "full": error(
        CORE, 7000, "The file could not be transferred.",
        below=error("NSPOSIXErrorDomain", 28, "No space left on device"),
    ),
    "not-found": error(CORE, 7000, "The specified file could not be found on the device."),
    "other": error(CORE, 9999, "Something else is the matter."),
}  # fmt: skip


class FakePhone:
    """One phone behind a fake devicectl, and the folder that it is."""

    def __init__(self, folder):
        self.folder = folder
        self.container = folder / "container"
        self.programs = folder / "programs"
        for made in (self.container / "Documents", self.programs):
            made.mkdir(parents=True)
        xcrun = self.programs / "xcrun"
        xcrun.write_text(f'#!/bin/bash\nexec {sys.executable} {__file__} {folder} "$@"\n')
        xcrun.chmod(0o755)
        self.list(device())
        self.write("apps", f"{APP}\n")

    def write(self, name, text):
        """Let one of the phone's files say something."""
        (self.folder / name).write_text(text)

    def list(self, *devices):
        """Let devicectl list these."""
        self.write("devices.json", json.dumps(devices))

    def install(self, script):
        """Let a shell script be the app, which is told what to do in the words of a runner.

        It begins in the app's folder.
        """
        (self.folder / "own-words").unlink(missing_ok=True)
        self._write_app(script)

    def install_app(self, script):
        """Let a shell script be the app, which gets the words that the app is launched with.

        It begins at the root, as apps do; `HOME` is the app's folder.
        """
        self.write("own-words", "")
        self._write_app(script)

    def _write_app(self, script):
        app = self.folder / "app"
        app.write_text(f"#!/bin/bash\n{script}\n")
        app.chmod(0o755)

    def told(self):
        """The commands that devicectl was given."""
        told = self.folder / "told"
        return told.read_text().splitlines() if told.exists() else []


def _answer(phone, words):
    """The result of a command, or the error that it ends with."""
    command = " ".join(words[1:3] if words[0] == "device" else words[:2])
    with (phone / "told").open("a") as told:
        told.write(" ".join(words) + "\n")
    if _said(phone, "hang") == command:
        time.sleep(600)
    refused, _, how = (_said(phone, "refuse") or "").partition(": ")
    if refused == command:
        return None, REFUSALS[how]
    return _COMMANDS[command](phone, words)


def _said(phone, name):
    file = phone / name
    return file.read_text().strip() if file.exists() else None


def _option(words, name):
    return words[words.index(name) + 1]


def _list(phone, words):
    return {"devices": json.loads((phone / "devices.json").read_text())}, None


def _apps(phone, words):
    known = _said(phone, "apps").split()
    wanted = _option(words, "--bundle-id")
    found = [{"bundleIdentifier": app, "builtByDeveloper": True} for app in known if app == wanted]
    return {"apps": found, "matchingBundleIdentifier": wanted}, None


def _install(phone, words):
    (phone / "apps").write_text(f"{APP}\n")
    return {"installedApplications": [{"bundleID": APP, "installationURL": "file:///x"}]}, None


def _launch(phone, words):
    at = words.index("--")
    assert words[at - 1] == APP and "--terminate-existing" in words
    _kill(phone)
    given = words[at + 1 :]
    home = phone / "container"
    is_app = (phone / "own-words").exists()
    with (phone / "app.log").open("ab") as log:
        process = subprocess.Popen(
            [phone / "app", *(given if is_app else _as_a_runner(given))],
            cwd="/" if is_app else home, env=os.environ | {"HOME": str(home)},
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    (phone / "pid").write_text(str(process.pid))
    return {"process": {"processIdentifier": process.pid, "executable": "file:///x"}}, None


def _as_a_runner(given):
    """The words of a launch as a runner has them."""
    command = ["order-file", _option(given, "--order")] if "--order" in given else ["describe"]
    return [*command, "--folder", f"Documents/bench/{_option(given, '--bench')}"]


def _kill(phone):
    pid = phone / "pid"
    if pid.exists():
        with contextlib.suppress(ProcessLookupError):
            os.killpg(int(pid.read_text()), signal.SIGKILL)
        pid.unlink()


def _terminate(phone, words):
    _kill(phone)
    return {"process": {"processIdentifier": int(_option(words, "--pid"))}}, None


def _processes(phone, words):
    pid = _said(phone, "pid")
    alive = pid is not None and Path(f"/proc/{pid}").exists() and not _is_zombie(pid)
    found = [{"processIdentifier": int(pid), "executable": "file:///x"}] if alive else []
    return {"runningProcesses": [{"processIdentifier": 1, "executable": "file:///l"}, *found]}, None


def _is_zombie(pid):
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"


def _copy_to(phone, words):
    target = phone / "container" / _option(words, "--destination")
    source = Path(_option(words, "--source"))
    _copy(source, target)
    if (phone / "cut-off").exists() and source.is_dir():
        next(path for path in target.rglob("*") if path.is_file()).unlink()
        return None, REFUSALS["lost"]
    return {}, None


def _copy_from(phone, words):
    source = phone / "container" / _option(words, "--source")
    if not source.exists():
        return None, REFUSALS["not-found"]
    target = Path(_option(words, "--destination"))
    if (phone / "misplace").exists():
        target.mkdir()
        target /= source.name
    _copy(source, target)
    return {}, None


def _copy(source, target):
    assert not target.exists(), "devicectl may not overwrite"
    target.parent.mkdir(parents=True, exist_ok=True)
    copy = shutil.copytree if source.is_dir() else shutil.copyfile
    copy(source, target)


_COMMANDS = {
    "list devices": _list,
    "info apps": _apps,
    "info processes": _processes,
    "install app": _install,
    "process launch": _launch,
    "process terminate": _terminate,
    "copy to": _copy_to,
    "copy from": _copy_from,
}


def main(words):
    """Answer one command."""
    phone, program, *words = words
    assert program == "devicectl"
    end = words.index("--") if "--" in words else len(words)
    before, after = words[:end], words[end:]
    written = Path(_option(before, "--json-output"))
    assert float(_option(before, "--timeout")) >= 5 and "--quiet" in before
    if words[0] == "device":
        assert _option(before, "--device") == IDENTIFIER
    result, refusal = _answer(Path(phone), before + after)
    info = {"jsonVersion": 2, "outcome": "failed" if refusal else "success", "version": "477.39"}
    said = {"info": info, "error": refusal} if refusal else {"info": info, "result": result}
    written.write_text(json.dumps(said))
    if refusal:
        print(f"ERROR: {refusal['userInfo']['NSLocalizedDescription']['string']}", file=sys.stderr)
    sys.exit(1 if refusal else 0)


if __name__ == "__main__":
    main(sys.argv[1:])
