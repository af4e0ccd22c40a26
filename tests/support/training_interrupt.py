"""Somebody who presses Ctrl-C while a run trains."""

from mvmoe_deploy.training import Silent


class Interrupt(Silent):
    """Presses Ctrl-C in the middle of an epoch."""

    def __init__(self, phase: str, epoch: int) -> None:
        self.where = (phase, epoch)

    def phase(self, name: str, epochs: int, done: int) -> None:
        self.here = (name, done + 1)

    def step(self, share: float) -> None:
        if self.here == self.where:
            raise KeyboardInterrupt

    def epoch(self, record: dict) -> None:
        self.here = (record["phase"], record["epoch"] + 1)
