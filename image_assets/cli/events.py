"""`events`: what waits in the queue that tells of uploads, and what was set aside."""

import click

from image_assets.cli.console import CONSOLE, json_option, print_rows
from image_assets.errors import ConfigurationError
from image_assets.settings import load_settings

_CELL_LENGTH = 80


@click.command()
@json_option
def events() -> None:
    """Messages of the queue that nothing can follow from, why, and how many others wait."""
    address = load_settings().events_queue
    if address is None:
        raise ConfigurationError("no queue tells of uploads: set IMAGE_ASSETS_EVENTS_QUEUE; days are listed meanwhile")
    # Its client is an extra.
    from image_assets.lake.events.storage_queue import POISON, StorageQueue

    queue = StorageQueue(address)
    waiting, (number, aside) = queue.count(), queue.list_aside()
    rows = [(each.at, each.reason, each.text) for each in aside]
    CONSOLE.print(f"{waiting} messages wait or are being handled in {address}", highlight=False)
    if number:
        title = f"Set aside in {address}{POISON}: {number}, the first {len(rows)} of them"
        print_rows(title, ["at", "reason", "message"], rows, _CELL_LENGTH)
