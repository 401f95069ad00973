"""What is typed as text is text: an argument that is not UTF-8 is wrong usage, whatever the command."""

from typing import Any

import click

from image_assets.shown_text import is_text


class TextType(click.types.StringParamType):
    """A text; bytes that are not UTF-8 come in as surrogates, which no table, query or page can hold."""

    name = "text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The value itself."""
        if not is_text(str(value)):
            self.fail("not UTF-8 text", param, ctx)
        return str(value)


def take_only_text(command: click.Command) -> None:
    """Have every argument and option of a command, and of those below it, that takes any text refuse what is none.

    A name of a file need not be text: what takes one is of click's type UNPROCESSED.
    """
    for parameter in command.params:
        if parameter.type is click.STRING:
            parameter.type = TextType()
    if isinstance(command, click.Group):
        for below in command.commands.values():
            take_only_text(below)
