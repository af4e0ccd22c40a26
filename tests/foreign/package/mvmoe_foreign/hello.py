"""`mvmoe hello`: a command of another distribution."""

import click
import msgspec

from mvmoe_deploy.cli.group import command
from mvmoe_deploy.cli.output import emit


class Greeting(msgspec.Struct, frozen=True):
    """What the command gives."""

    text: str


@command()
@click.argument("name")
def hello(name: str, as_json: bool) -> None:
    """Greet NAME."""
    emit(as_json, Greeting(f"hello {name}"), lambda out, greeting: out.print(greeting.text))


PART = hello
