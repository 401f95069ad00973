"""Finding rejected files by what people call them: an id, a path, the name of the upload."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import date
from functools import cache

import polars as pl

from image_assets.errors import (
    AmbiguousImageError,
    ImageAssetsError,
    UnknownImageError,
)
from image_assets.ids import SourceUri
from image_assets.labels import normalise_name
from image_assets.lake import object_keys
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.steps.images.dismissals import RejectedFile
from image_assets.steps.images.landing import list_landing
from image_assets.steps.images.short_ids import is_beginning
from image_assets.steps.images.sidecar import read_sidecar
from image_assets.tables.images import BRONZE_IMAGES
from image_assets.tables.rejections import REJECTED_IMAGES

_COLUMNS = ["day", "item", "source_uri", "image_id", "input_version"]


def list_rejected(tables: ParquetTables, day: date | None, reasons: Collection[str]) -> list[RejectedFile]:
    """The rejected files of a day, or of all, for some reasons, or for any."""
    days = [each for each in tables.days(REJECTED_IMAGES.name) if day in {None, each}]
    where = pl.col("reason").cast(pl.String).is_in(list(reasons)) if reasons else None
    return [
        RejectedFile(*row) for row in tables.scan(REJECTED_IMAGES, _COLUMNS, days, where).sort(_COLUMNS).iter_rows()
    ]


def reasons_of(tables: ParquetTables, files: Sequence[RejectedFile]) -> dict[RejectedFile, str]:
    """Why each of the files was rejected."""
    days = sorted({file.day for file in files})
    rows = tables.scan(REJECTED_IMAGES, ["day", "item", "reason"], days) if days else REJECTED_IMAGES.no_rows
    reasons = {(day, item): str(reason) for day, item, reason in rows.select("day", "item", "reason").iter_rows()}
    return {file: reasons[file.day, file.item] for file in files}


def choose_rejected(tables: ParquetTables, files: Sequence[RejectedFile], names: Sequence[str]) -> list[RejectedFile]:
    """The file that each name means.

    Raises:
        UnknownImageError: a name means no file.
        AmbiguousImageError: a name means several.
    """
    found = {name: find_rejected(tables, files, name) for name in names}
    problems = [problem for name, fitting in found.items() if (problem := _problem(name, fitting))]
    if problems:
        raise type(problems[0])("nothing was kept:\n  " + "\n  ".join(map(str, problems)))
    return list(dict.fromkeys(file for fitting in found.values() for file in fitting))


def find_rejected(tables: ParquetTables, files: Sequence[RejectedFile], name: str) -> list[RejectedFile]:
    """The files that a name means: an id, its beginning or a path, else the file's own name, else its user's for it."""
    plain = normalise_name(name)
    for is_called in _readings(tables, name, plain):
        if fitting := [file for file in files if is_called(file)]:
            return fitting
    return []


def _readings(tables: ParquetTables, name: str, plain: str) -> Iterator[Callable[[RejectedFile], bool]]:
    yield lambda file: name in {file.item, file.image_id, file.source_uri}
    if is_beginning(name):
        yield lambda file: (file.image_id or "").startswith(name)
    yield lambda file: _own_path(file) == plain
    yield lambda file: _own_path(file).rpartition("/")[2] == plain
    told = cache(lambda day: _told_names(tables, day))
    yield lambda file: told(file.day).get(file.source_uri) == plain


def _own_path(file: RejectedFile) -> str:
    return normalise_name(object_keys.key_of(SourceUri(file.source_uri)))


def _told_names(tables: ParquetTables, day: date) -> Mapping[str, str]:
    """What a day's uploads are called by bronze, which remembers those that are gone, and by sidecars, by source."""
    names = dict(_remembered_names(tables, day))
    for file in list_landing(tables.store, day).files:
        if name := read_sidecar(tables.store, file.sidecar_uri).raw_name:
            names[file.source_uri] = normalise_name(name)
    return names


def _remembered_names(tables: ParquetTables, day: date) -> Iterator[tuple[str, str]]:
    if tables.exists(BRONZE_IMAGES, day):
        rows = tables.scan(BRONZE_IMAGES, ["source_uri", "raw_name"], [day])
        yield from ((uri, normalise_name(name)) for uri, name in rows.iter_rows())


def _problem(name: str, fitting: Sequence[RejectedFile]) -> ImageAssetsError | None:
    if not fitting:
        return UnknownImageError(f'{name} is no rejected file: image-assets sql "from rejected_images" lists them')
    if len(fitting) > 1:
        which = " and ".join(f"{file.item} of {file.day}" for file in fitting[:2])
        told = f"{name} names {len(fitting)} rejected files, such as {which}: give one of these, or --day"
        return AmbiguousImageError(told)
    return None
