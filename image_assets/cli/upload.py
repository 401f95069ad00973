"""`upload --to`: photos over HTTP, from a machine that has no lake."""

import getpass
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.progress import track

from image_assets.cli.console import CONSOLE
from image_assets.errors import ImageAssetsError, ServiceError
from image_assets.labels import normalise_label
from image_assets.settings import load_settings
from image_assets.steps.images.added_files import AddedFile, find_added, tell_facts
from image_assets.steps.images.uploads import UploadFacts

if TYPE_CHECKING:
    from image_assets.client.client import Client

_IN_FLIGHT = 4
_REFUSED = 2
# What is about this file alone; anything else would be said of every file.
_OF_ONE_FILE = {HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNPROCESSABLE_ENTITY}


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--to", "url", required=True, help="Address of the service, such as http://localhost:8000.")
@click.option("--label", help="Label of all these photos, where no sidecar says otherwise.")
@click.pass_context
def upload(context: click.Context, paths: Sequence[Path], url: str, label: str | None) -> None:
    """Upload photos, or folders of them, to a service; IMAGE_ASSETS_API_KEY is the key.

    Interrupted, or some refused: run it again. What has arrived is not taken twice. The sidecar beside a file
    (FILENAME.json) says its label and its name, as for `add`.

    Exit codes: 0 all have arrived, 2 some are refused and each is named, 1 the service cannot be reached, or
    refuses all.
    """
    from image_assets.client.client import Client

    settings = load_settings()
    if label and not normalise_label(label):
        raise click.UsageError("--label has nothing that can be seen")
    added = find_added(paths)
    key = settings.api_key.get_secret_value() if settings.api_key else None
    usual = UploadFacts(datetime.now(UTC).date(), getpass.getuser(), "", label=label)
    refused = 0
    with Client(url, key) as client:
        outcomes = _in_flight(partial(_upload, client, usual), added.files)
        for problem in track(outcomes, "uploading photos", total=len(added.files), console=CONSOLE):
            if problem:
                refused += 1
                CONSOLE.print(problem, highlight=False, soft_wrap=True)
    CONSOLE.print(f"{len(added.files) - refused} of {len(added.files)} files have arrived")
    context.exit(_REFUSED if refused else 0)


def _in_flight(work: Callable[[AddedFile], str | None], files: Sequence[AddedFile]) -> Iterator[str | None]:
    """Work on a few at a time, and yield as they are done; the first error ends it."""
    left = iter(files)
    with ThreadPoolExecutor(_IN_FLIGHT) as pool:
        under_way: set[Future[str | None]] = {pool.submit(work, file) for file in islice(left, _IN_FLIGHT)}
        while under_way:
            done, under_way = wait(under_way, return_when=FIRST_COMPLETED)
            for each in done:
                yield each.result()
            under_way |= {pool.submit(work, file) for file in islice(left, len(done))}


def _upload(client: "Client", usual: UploadFacts, file: AddedFile) -> str | None:
    """Why a file has not arrived; None when it has."""
    if file.path.is_symlink() and not file.is_named:
        return f"{file.path}: a symbolic link; name it itself to upload what it points to"
    facts, problem = tell_facts(file, None, usual, is_day_given=True)
    try:
        client.upload(file.path, name=facts.raw_name, label=facts.label)
    except ServiceError as error:
        if error.status not in _OF_ONE_FILE:
            raise
        return f"{file.path}: {error.reason}: {error}" if error.reason else f"{file.path}: {error}"
    except OSError as error:
        if isinstance(error, ImageAssetsError):
            raise
        return f"{file.path}: {error.strerror}"
    return problem
