"""`serve`: the service over HTTP."""

from contextlib import suppress
from functools import partial

import click

from image_assets.cli.console import CONSOLE
from image_assets.cli.known_lake import create_option, settings_of_lake
from image_assets.settings import Settings


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at; others need keys.")
@click.option("--port", type=click.IntRange(0, 65_535), default=8000, show_default=True, help="0 takes a free one.")
@click.option("--open", "is_opened", is_flag=True, help="Open the gallery in the browser.")
@create_option
def serve(host: str, port: int, *, is_opened: bool, is_new: bool) -> None:
    """Serve the lake over HTTP: a gallery for people at /, the rest for programs; /openapi.json says how.

    Without a key everything is allowed from this machine alone: image-assets keys add.
    """
    from image_assets.serving import server

    settings = settings_of_lake(is_new=is_new)
    # To be interrupted is how a service ends.
    with suppress(KeyboardInterrupt):
        server.check_there(settings)
        server.serve(settings, host, port, partial(_tell, settings, is_opened=is_opened))


def _tell(settings: Settings, url: str, *, is_opened: bool) -> None:
    CONSOLE.print(f"the gallery of {settings.root} is at {url}", soft_wrap=True)
    if is_opened:
        # It listens already: the browser waits until the service has begun.
        click.launch(url.replace("0.0.0.0", "127.0.0.1").replace("[::]", "[::1]"))  # noqa: S104 - it is replaced
