"""`serve`: the service over HTTP."""

from contextlib import suppress

import click

from image_assets.cli.console import CONSOLE
from image_assets.settings import load_settings


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at; others need keys.")
@click.option("--port", type=click.IntRange(0, 65_535), default=8000, show_default=True, help="0 takes a free one.")
@click.option("--create", "is_new", is_flag=True, help="Begin a lake where there is none.")
def serve(host: str, port: int, is_new: bool) -> None:
    """Serve the lake over HTTP: upload, look up, search, predict and decide; /openapi.json says how.

    Without a key everything is allowed from this machine alone: image-assets keys add.
    """
    from image_assets.serving import server

    settings = load_settings()
    # To be interrupted is how a service ends.
    with suppress(KeyboardInterrupt):
        server.check_there(settings, is_new=is_new)
        server.serve(settings, host, port, lambda url: CONSOLE.print(f"{settings.root} at {url}", soft_wrap=True))
