"""`upload --to`: photos over HTTP, from a machine that has no lake."""

import getpass
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.progress import track

from image_assets.cli.console import CONSOLE, json_option, print_rows
from image_assets.errors import ImageAssetsError, ServiceError
from image_assets.labels import normalise_label
from image_assets.settings import load_settings
from image_assets.steps.images.added_files import AddedFile, find_added, tell_facts
from image_assets.steps.images.uploads import UploadFacts

if TYPE_CHECKING:
    from image_assets.client.client import Client, Uploaded

_IN_FLIGHT = 4
_SHOWN = 20
_REFUSED = 2
# What is about this file alone; anything else would be said of every file.
_OF_ONE_FILE = {HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNPROCESSABLE_ENTITY}
_NEW_KEY = "where the lake is, image-assets keys add NAME --role upload makes one"


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What became of a file, and what is wrong with it or with what is said of it."""

    file: AddedFile
    uploaded: "Uploaded | None" = None
    problem: str | None = None

    @property
    def row(self) -> dict[str, object]:
        """For programs."""
        told = asdict(self.uploaded) if self.uploaded else {}
        known = {name: told.get(name) for name in ("image_id", "status_url", "sha256")}
        return {"file": str(self.file.path), **known, "problem": self.problem}


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--to", "url", required=True, help="Address of the service, such as http://localhost:8000.")
@click.option("--label", help="Label of all these photos, where no sidecar says otherwise.")
@json_option
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
    outcomes: list[_Outcome] = []
    try:
        with Client(url, key) as client:
            under_way = _in_flight(partial(_upload, client, usual), added.files)
            for outcome in track(under_way, "uploading photos", total=len(added.files), console=CONSOLE):
                outcomes.append(outcome)
                if outcome.problem:
                    CONSOLE.print(outcome.problem, highlight=False, soft_wrap=True)
    except ServiceError as error:
        raise _explained(error, url, key) from error
    _tell(outcomes, url)
    context.exit(_REFUSED if any(each.problem for each in outcomes) else 0)


def _tell(outcomes: Sequence[_Outcome], url: str) -> None:
    """The ids that files have been given, and how to go on with them."""
    arrived = [each.uploaded for each in outcomes if each.uploaded]
    rows = [(each.image_id, each.file) for each in arrived[:_SHOWN]]
    if outcomes:
        title, data = "Uploaded", [each.row for each in outcomes]
        print_rows(title, ["image id", "file"], rows, is_first_whole=True, data=data)
    if len(arrived) > _SHOWN:
        CONSOLE.print(f"and {len(arrived) - _SHOWN} more: --json lists all", highlight=False)
    CONSOLE.print(f"{len(arrived)} of {len(outcomes)} files have arrived", highlight=False)
    if arrived:
        address = f"{url.rstrip('/')}{arrived[0].status_url}"
        asking = f'curl -H "Authorization: Bearer $IMAGE_ASSETS_API_KEY" {address}'
        CONSOLE.print(f"what becomes of one: {asking}", highlight=False, soft_wrap=True)


def _explained(error: ServiceError, url: str, key: str | None) -> ServiceError:
    """What is wrong with the key is told by the setting that holds it."""
    if error.status != HTTPStatus.UNAUTHORIZED:
        return error
    wanted = f"{url} does not accept the key in IMAGE_ASSETS_API_KEY" if key else f"{url} wants a key"
    told = f"{wanted}: set IMAGE_ASSETS_API_KEY to one with the role upload; {_NEW_KEY}"
    return ServiceError(told, status=error.status)


def _in_flight(work: Callable[[AddedFile], _Outcome], files: Sequence[AddedFile]) -> Iterator[_Outcome]:
    """Work on a few at a time, and yield as they are done; the first error ends it."""
    left = iter(files)
    with ThreadPoolExecutor(_IN_FLIGHT) as pool:
        under_way: set[Future[_Outcome]] = {pool.submit(work, file) for file in islice(left, _IN_FLIGHT)}
        while under_way:
            done, under_way = wait(under_way, return_when=FIRST_COMPLETED)
            for each in done:
                yield each.result()
            under_way |= {pool.submit(work, file) for file in islice(left, len(done))}


def _upload(client: "Client", usual: UploadFacts, file: AddedFile) -> _Outcome:
    if file.path.is_symlink() and not file.is_named:
        return _Outcome(file, problem=f"{file.path}: a symbolic link; name it itself to upload what it points to")
    facts, problem = tell_facts(file, None, usual, is_day_given=True)
    try:
        uploaded = client.upload(file.path, name=facts.raw_name, label=facts.label)
    except ServiceError as error:
        if error.status not in _OF_ONE_FILE:
            raise
        told = f"{error.reason}: {error}" if error.reason else str(error)
        return _Outcome(file, problem=f"{file.path}: {told}")
    except OSError as error:
        if isinstance(error, ImageAssetsError):
            raise
        return _Outcome(file, problem=f"{file.path}: {error.strerror}")
    return _Outcome(file, uploaded, problem)
