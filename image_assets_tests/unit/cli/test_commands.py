"""The commands, which are listed without being imported."""

import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from image_assets.cli.commands import PLACES, load_command
from image_assets.cli.main import cli

LISTED = (
    "import sys\n"
    "from image_assets.cli.main import cli\n"
    "cli.main(['--help'], standalone_mode=False)\n"
    "print(*(name for name in ('dagster', 'torch', 'duckdb', 'image_assets.settings') if name in sys.modules))"
)


@pytest.mark.parametrize("name", PLACES)
def test_a_command_is_listed_by_its_own_first_sentence_and_name(name: str) -> None:
    command = load_command(name)
    told = " ".join((command.help or "").split("\n\n")[0].split())
    assert (command.name, told) == (name, PLACES[name].says)


def test_help_imports_no_command() -> None:
    done = subprocess.run([sys.executable, "-c", LISTED], capture_output=True, text=True, check=True)
    *listed, imported = done.stdout.splitlines()
    assert (any(line.startswith("  status ") for line in listed), imported) == (True, "")


def test_the_help_of_a_command_is_its_own() -> None:
    assert "--day" in CliRunner().invoke(cli, ["status", "--help"]).output


def test_a_mistyped_command_is_answered_with_the_one_that_was_meant() -> None:
    result = CliRunner().invoke(cli, ["statsu"])
    assert (result.exit_code, "status" in result.output) == (2, True)


def test_a_completion_offers_the_options_of_a_command() -> None:
    context = click.Context(cli)
    _, command, rest = cli.resolve_command(context, ["status", "--d"])
    assert command is not None
    assert ([item.value for item in command.shell_complete(click.Context(command), "--d")], rest) == (
        ["--day"],
        ["--d"],
    )
