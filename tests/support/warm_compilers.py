"""Compilers' processes that are forked from one that has imported its engine already.

A compiler's process imports PyTorch and its engine first: 3 to 6 s of CPU time, more than a tiny
model takes in it. Here one process for each compiler does so once (`serve`), and forks for each
job: what the job finds is what a new process would have after its imports.

`Popen` stands where `mvmoe_export.compiling` starts its process. That process is then this file,
run as a client: it hands its pipes, environment and folder over, and ends as the fork ends. The
fork ends at once when the client does. The command line starts real ones (tests/cli).
"""

import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

COMPILERS = (
    "mvmoe_export.targets.coreml.conversion",
    "mvmoe_export.targets.executorch.lowering",
)
"""Modules of compilers that are kept warm; others are started as they are."""

_HERE = str(Path(__file__).resolve())
_MOST = 1 << 20
_CLIENT = (sys.executable, "-I", "-S", _HERE)


class WarmCompilers:
    """The processes that have imported an engine, by compiler; each is started when it is asked."""

    PIPE = subprocess.PIPE

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._servers: dict[str, subprocess.Popen[bytes]] = {}

    def Popen(self, command: list[str], **options) -> subprocess.Popen:  # noqa: N802
        """Start a compiler's process, as `subprocess.Popen` does."""
        job = json.loads((Path(command[-1]) / "job.json").read_bytes())
        module = job["compiler"].split(":")[0]
        if module not in COMPILERS:
            return subprocess.Popen(command, **options)
        return subprocess.Popen([*_CLIENT, self._address(module), command[-1]], **options)

    def close(self) -> None:
        """End all processes."""
        for server in self._servers.values():
            server.stdin.close()
            server.wait()

    def _address(self, module: str) -> str:
        """Where the process of a compiler listens."""
        address = str(self._folder / module.rpartition(".")[2])
        if module not in self._servers:
            server = subprocess.Popen(
                [sys.executable, "-P", _HERE, "--serve", address, module],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            )
            self._servers[module] = server
            assert server.stdout.readline() == b"ready\n"
        return address


# The process that has imported an engine.


def serve(address: str, module: str) -> None:
    """Import a compiler, and fork for each job until stdin ends."""
    import importlib

    from mvmoe_deploy.system.processes import end_when_closed

    importlib.import_module("mvmoe_export.compiler")
    importlib.import_module(module)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(address)
        listening.listen()
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while True:
            ready = _wait(listening)
            if ready is None:
                return
            job, _ = ready.accept()
            request, pipes = _received(job)
            if os.fork() == 0:
                listening.close()
                end_when_closed(job.fileno())  # With the client.
                _work(request, pipes, job)
            for pipe in (*pipes, job.detach()):
                os.close(pipe)


def _wait(listening: socket.socket) -> socket.socket | None:
    """The socket when somebody asks; None when stdin has ended. Takes note of forks that ended."""
    import select

    while True:
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        ready, _, _ = select.select([listening, 0], [], [], 1)
        if 0 in ready:
            with contextlib.suppress(ChildProcessError):
                while True:
                    os.wait()  # So that their time is counted.
            return None
        if listening in ready:
            return listening


def _received(job: socket.socket) -> tuple[dict, list[int]]:
    data, pipes, _, _ = socket.recv_fds(job, _MOST, 3)
    while not data.endswith(b"\n"):
        data += job.recv(_MOST)
    return json.loads(data), pipes


def _work(request: dict, pipes: list[int], job: socket.socket) -> None:
    """What `python -m mvmoe_export.compiler FOLDER` does; never returns."""
    code = 1
    try:
        for number, pipe in enumerate(pipes):
            os.dup2(pipe, number)
            os.close(pipe)
        os.environ.clear()
        os.environ.update(request["environment"])
        os.chdir(request["directory"])
        tempfile.tempdir = None
        known = set(sys.path)
        wanted = request["environment"].get("PYTHONPATH", "").split(os.pathsep)
        sys.path[:0] = [path for path in wanted if path not in known]

        from mvmoe_deploy.system.processes import end_when_closed
        from mvmoe_export.compiler import main

        end_when_closed(0)
        main(Path(request["folder"]))
        code = 0
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
        with contextlib.suppress(OSError):
            job.send(bytes([code]))
        os._exit(code)


# The process that stands for the fork.


def ask(address: str, folder: str) -> int:
    """Hand this process over; gives the exit code of what does its work."""
    with socket.socket(socket.AF_UNIX) as job:
        job.connect(address)
        request = {
            "folder": folder,
            "directory": str(Path.cwd()),
            "environment": dict(os.environ),
        }
        data = json.dumps(request).encode() + b"\n"
        sent = socket.send_fds(job, [data], [0, 1, 2])
        job.sendall(data[sent:])
        for pipe in (0, 1, 2):
            os.close(pipe)
        code = job.recv(1)
    return code[0] if code else 1


if __name__ == "__main__":
    if sys.argv[1] == "--serve":
        serve(*sys.argv[2:])
    else:
        os._exit(ask(*sys.argv[1:]))
