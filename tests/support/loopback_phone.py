"""A phone on this machine: Android's real `adbd` in a network of its own, and small programs.

The daemon and adb's server run in namespaces that end with the test: `adbd` listens on every
address it has, without asking who calls, so it gets a loopback that nobody else has. What Android
brings and Debian does not (`getprop`, `am`, `run-as`, ...) are scripts on the daemon's PATH, which
read and write files of the phone's folder. What `am` starts is the file `app` there.
"""

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import adbd

SERIAL = "127.0.0.1:5556"
_PORT = "5556"

_HOLDER = """
ip link set lo up
{mounts}
HOME={folder} adb nodaemon server >{folder}/server.log 2>&1 &
touch {folder}/ready
while true; do sleep 3600 & wait; done
"""

_PROGRAMS = {
    "getprop": "cat {folder}/properties",
    "pm": '[ "$1" = path ] && cat {folder}/package',
    "run-as": 'cat {folder}/run-as 2>/dev/null && exit 1; shift; cd {folder}/data && exec "$@"',
    "dumpsys": "cat {folder}/$1 2>/dev/null",
    "settings": 'if [ "$1" = get ]; then cat {folder}/$3; else echo "$4" >{folder}/$3; fi',
    "cmd": 'echo "$*" >>{folder}/told; exit $(cat {folder}/fixed-performance)',
    "input": 'echo "input $*" >>{folder}/told',
    "wm": 'echo "wm $*" >>{folder}/told',
    "am": """
stop() {{ [ -f {folder}/pid ] && kill -9 -- -$(cat {folder}/pid) 2>/dev/null; rm -f {folder}/pid; }}
echo "am $*" >>{folder}/told
stop
[ "$1" = start ] || exit 0
shift
while [ $# -gt 0 ]; do
  [ "$1" = --es ] && {{ declare "$2=$3"; shift 2; }}
  shift
done
place={folder}/data/files/bench/$name
mkdir -p $place
if [ -n "$describe" ]; then words="describe"; else words="order-file $order"; fi
setsid {folder}/app $words --folder $place >>{folder}/app.log 2>&1 </dev/null &
echo $! >{folder}/pid
echo "Status: ok"
""",
}

_PROPERTIES = """[ro.build.version.sdk]: [34]
[ro.build.version.release]: [14]
[ro.build.fingerprint]: [maker/phone/phone:14/AB/1:user/release-keys]
[ro.product.manufacturer]: [Maker]
[ro.product.model]: [Phone 7]
[ro.product.cpu.abi]: [arm64-v8a]
[ro.soc.manufacturer]: [QTI]
[ro.soc.model]: [SM8650]
"""

_BATTERY = """Current Battery Service state:
  AC powered: false
  USB powered: true
  status: 2
  level: 81
  scale: 100
  temperature: 312
"""


def lacks() -> str:
    """Why this machine cannot have one; empty if it can."""
    programs = [name for name in ("adb", "unshare", "nsenter", "ip") if shutil.which(name) is None]
    if programs:
        return f"this machine has no {', '.join(programs)}"
    if adbd.command() is None:
        return "adbd was not fetched: run python tests/support/adbd.py"
    tried = subprocess.run([*_unshared(), "true"], capture_output=True, check=False)
    return "this system allows no namespaces" if tried.returncode else ""


def _unshared() -> list[str]:
    """Runs a program with processes, mounts and a network of its own."""
    ours = [] if os.geteuid() == 0 else ["--map-root-user"]
    return ["unshare", *ours, "--net", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child"]


class LoopbackPhone:
    """One phone; `folder` holds all that it is, `programs` the `adb` that reaches it."""

    def __init__(self, folder: Path, mounts: str = "") -> None:
        self.folder = folder
        self.data = folder / "data"
        self.programs = folder / "host"
        for made in (self.data / "files/bench", self.programs, folder / "bin"):
            made.mkdir(parents=True)
        for name, text in _PROGRAMS.items():
            _script(folder / "bin" / name, text.format(folder=folder))
        self.write("properties", _PROPERTIES)
        self.write("package", "package:/data/app/demo/base.apk\n")
        self.write("battery", _BATTERY)
        self.write("thermalservice", "IsStatusOverride: false\nThermal Status: 0\n")
        self.write("fixed-performance", "0")
        self.write("stay_on_while_plugged_in", "3\n")
        self.write("told", "")
        self._daemon: subprocess.Popen[bytes] | None = None
        held = _HOLDER.format(folder=folder, mounts=mounts.format(folder=folder))
        self._holder = subprocess.Popen([*_unshared(), "bash", "-c", held])
        self._wait_for((folder / "ready").exists)
        enter = " ".join(self._entered("--net"))
        adb = shutil.which("adb")
        _script(self.programs / "adb", f'HOME={folder} exec {enter} {adb} "$@"')
        self.connect()

    def write(self, name: str, text: str) -> None:
        """Let one of the phone's files say something."""
        (self.folder / name).write_text(text)

    def told(self) -> list[str]:
        """What `am`, `cmd`, `input` and `wm` were called with."""
        return (self.folder / "told").read_text().splitlines()

    def install(self, text: str) -> None:
        """Let a shell script be the app."""
        _script(self.folder / "app", text)

    def run(self, command: str) -> None:
        """Run a command of the phone's shell."""
        self._adb("shell", "-n", command)

    def connect(self) -> None:
        """Start the daemon, and let adb know of it."""
        environment = {
            **os.environ,
            "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}",
            "ADBD_PORT": _PORT,
        }
        command = [*self._entered("--net", "--mount", "--pid"), *(adbd.command() or [])]
        log = (self.folder / "adbd.log").open("wb")
        self._daemon = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        self._wait_for(lambda: b"\tdevice" in self._adb("connect", SERIAL) + self._adb("devices"))

    def disconnect(self) -> None:
        """End the daemon, as a cable that is pulled out does."""
        assert self._daemon is not None
        # nsenter has started it as a child: that is the daemon.
        children = Path(f"/proc/{self._daemon.pid}/task/{self._daemon.pid}/children").read_text()
        subprocess.run(["kill", "-9", *children.split()], check=True)
        self._daemon.wait(timeout=30)

    def close(self) -> None:
        """End everything of it."""
        self._holder.kill()
        self._holder.wait(timeout=30)
        if self._daemon is not None:
            self._daemon.wait(timeout=30)

    def _adb(self, *words: str) -> bytes:
        ended = subprocess.run([self.programs / "adb", *words], capture_output=True, check=False)
        return ended.stdout

    def _entered(self, *spaces: str) -> list[str]:
        """Runs a program in some of the phone's namespaces."""
        holder = self._holder.pid
        child = Path(f"/proc/{holder}/task/{holder}/children").read_text().split()[0]
        ours = [] if os.geteuid() == 0 else ["--user", "--preserve-credentials"]
        return ["nsenter", "--target", child, *ours, *spaces]

    def _wait_for(self, done: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 30
        while not done():
            assert self._holder.poll() is None and time.monotonic() < deadline
            time.sleep(0.05)


def _script(path: Path, text: str) -> None:
    path.write_text(f"#!/bin/bash\n{text}\n")
    path.chmod(0o755)
