"""`image-assets`: the group of commands, and the edge at which errors become exit codes."""

import atexit
import io
import os
import signal
import sys
import traceback

import click

from image_assets.cli.commands import CommandGroup
from image_assets.errors import ImageAssetsError
from image_assets.shown_text import plain_lines

_FAILED, _BUG, _INTERRUPTED = 1, 3, 130


@click.group(cls=CommandGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="image-assets")
def cli() -> None:
    """Product photos from landing to gold.

    Exit codes: 0 done, 1 something failed and the message says what to do, 2 wrong usage or, of `run` and `retry`,
    some images are rejected, 3 a bug, 4 of `train --follow`: the champion stays, 130 Ctrl-C or terminated.
    """


def main() -> None:
    """Entry point of the `image-assets` script; to be terminated is to be interrupted."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    # polars' handler of Ctrl-C lets a read that waits for an answer go on waiting.
    signal.siginterrupt(signal.SIGINT, True)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # What a terminal cannot show is no reason to stop.
            stream.reconfigure(errors="backslashreplace")
    code = _run()
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_DFL)
    # DuckDB's bindings print pages of leak reports when the interpreter is torn down with torch loaded:
    # run the exit handlers and leave without the teardown.
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _run() -> int:
    try:
        return int(cli.main(standalone_mode=False) or 0)
    except ImageAssetsError as error:
        _say(str(error))
        return _FAILED
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (KeyboardInterrupt, click.Abort) as error:
        # click turns Ctrl-C and a question without a yes into the same error, of a question without a cause.
        if isinstance(error, click.Abort) and not isinstance(error.__context__, KeyboardInterrupt):
            _say("nothing was done: the question was not answered with yes; --yes does not ask")
            return _FAILED
        _say("interrupted: finished work is kept, run the same command again to go on")
        return _INTERRUPTED
    except BrokenPipeError:
        return 0
    except Exception:  # noqa: BLE001 - the edge: whatever else comes up is a bug, and its trace is the message
        traceback.print_exc()
        return _BUG


def _say(message: str) -> None:
    click.echo(f"{click.style('Error', fg='red')}: {plain_lines(message)}", err=True)
