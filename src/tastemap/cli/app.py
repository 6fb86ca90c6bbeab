"""The program that verbs join, the options they share, and how it ends."""

import sys
from typing import Annotated

import typer

from tastemap.cli.output import say
from tastemap.errors import InputError, UsageError

app = typer.Typer(
    name="tastemap",
    help="From an interaction log to recommendations that can be trusted and explained.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]
Column = Annotated[str | None, typer.Option(help="Name or number of the column.")]
Seed = Annotated[int, typer.Option(help="Same seed, same bits.")]
Core = Annotated[int, typer.Option(help="Keep users and items with so many partners; 1 = all.")]
ListLength = Annotated[int, typer.Option("-k", help="Length of each list.")]
Ignore = Annotated[
    list[str] | None, typer.Option(help="Code of a rule to leave out; may be repeated.")
]
Strict = Annotated[bool, typer.Option("--strict", help="Exit with 1 on a warning too.")]


def main() -> None:
    """Run the command line and exit."""
    try:
        app(standalone_mode=True)
    except InputError as error:
        say(f"error: {error}")
        sys.exit(2 if isinstance(error, UsageError) else 1)
    except KeyboardInterrupt:
        say("interrupted")
        sys.exit(130)
    except BrokenPipeError:  # the reader of our output, such as `head`, has gone
        sys.stderr.close()
        sys.exit(0)
