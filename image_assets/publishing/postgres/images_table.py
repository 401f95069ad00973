"""A day in the tables: put in, changed and removed in one transaction, so that nobody ever sees half of it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Protocol, TypeAlias

from psycopg import sql

from image_assets.publishing.postgres.binary import copy_rows
from image_assets.publishing.postgres.server import Connection
from image_assets.publishing.postgres.vector_column import VectorColumn

TEXT, SMALL = "text", "int4"
IMAGE_COLUMNS: Final = {
    "image_id": "uuid",
    "day": "date",
    "user_id": TEXT,
    "uploaded_at": "timestamptz",
    "raw_name": TEXT,
    "cleansed_url": TEXT,
    "thumbnail_url": TEXT,
    "preview_url": TEXT,
    "caption": TEXT,
    "text": TEXT,
    "label": TEXT,
    "label_source": TEXT,
    "predicted_label": TEXT,
    "confidence_ratio": "float4",
    "model_version": TEXT,
    "needs_review": "bool",
    "policy": TEXT,
    "state": TEXT,
    "canonical_id": "uuid",
    "is_duplicate": "bool",
    "format": TEXT,
    "width": SMALL,
    "height": SMALL,
    "original_width": SMALL,
    "original_height": SMALL,
    "original_size_bytes": "int8",
    "sha256": TEXT,
    "phash": TEXT,
    "blur": "float4",
    "brightness_ratio": "float4",
    "exif": "jsonb",
    "encoder": TEXT,
    "vector_version": TEXT,
    "version": TEXT,
}
"""Of `images`, with their types; `embedding` follows, in the type of its column."""
TAG_COLUMNS: Final = {"image_id": "uuid", "tag": TEXT, "kind": TEXT, "confidence_ratio": "float4"}

_DAY_LOCKS: Final = 0x3A6E
_STAGED: Final = "staged"

Rows: TypeAlias = Iterable[Sequence[Any]]


class OfferedDay(Protocol):
    """What a day should have; it is looked at when the day is locked, and rows are only read of what has changed."""

    @property
    def day(self) -> date:
        """The day."""
        ...

    @property
    def versions(self) -> Mapping[str, str]:
        """Of each image that it should have, by id."""
        ...

    def images(self, ids: Sequence[str]) -> Rows:
        """Rows of `IMAGE_COLUMNS` and embedding, of these images."""
        ...

    def tags(self, ids: Sequence[str]) -> Rows:
        """Rows of `TAG_COLUMNS` of these images."""
        ...

    @property
    def encoder_label(self) -> str:
        """Whose vectors they are."""
        ...

    @property
    def vectors_version(self) -> str:
        """Of the file that they are read from."""
        ...


@dataclass(frozen=True, slots=True)
class DayChange:
    """How many images came, were written again, and went."""

    added: int
    changed: int
    removed: int

    @property
    def is_nothing(self) -> bool:
        """Whether nothing was written."""
        return not (self.added or self.changed or self.removed)


def replace_day(connection: Connection, column: VectorColumn, offered: OfferedDay) -> DayChange:
    """Bring a day of the tables in line in one transaction; a day that is in line has nothing written."""
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_DAY_LOCKS, offered.day.toordinal()])
        known, versions = _known(connection, offered.day), offered.versions
        wanted = [name for name, version in versions.items() if known.get(name) != version]
        gone = [name for name in known if name not in versions]
        changed = sum(name in known for name in wanted)
        if wanted and known:
            _merge(connection, column, offered, wanted)
        elif wanted:
            _put(connection, column, "images", "image_tags", offered, wanted)
        if gone:
            connection.execute("DELETE FROM images WHERE image_id = ANY(%s::uuid[])", [gone])
        _note(connection, offered)
    return DayChange(len(wanted) - changed, changed, len(gone))


def erase_image(connection: Connection, image_id: str) -> int:
    """Remove an image with its tags; how many rows of `images` that were, 0 or 1."""
    (is_there,) = connection.execute("SELECT to_regclass('images') IS NOT NULL").fetchone() or (False,)
    return connection.execute("DELETE FROM images WHERE image_id = %s::uuid", [image_id]).rowcount if is_there else 0


def _known(connection: Connection, day: date) -> dict[str, str]:
    rows = connection.execute("SELECT image_id::text, version FROM images WHERE day = %s", [day])
    return dict(rows.fetchall())


def _put(
    connection: Connection,
    column: VectorColumn,
    images: str,
    tags: str,
    offered: OfferedDay,
    wanted: Sequence[str],
) -> None:
    image_columns = [*IMAGE_COLUMNS.items(), ("embedding", column.kind)]
    copy_rows(connection, images, image_columns, offered.images(wanted))
    copy_rows(connection, tags, list(TAG_COLUMNS.items()), offered.tags(wanted))


def _merge(connection: Connection, column: VectorColumn, offered: OfferedDay, wanted: Sequence[str]) -> None:
    """By way of tables that go with the transaction."""
    staged_images, staged_tags = f"{_STAGED}_images", f"{_STAGED}_image_tags"
    for table, of in ((staged_images, "images"), (staged_tags, "image_tags")):
        make = sql.SQL("CREATE TEMP TABLE {} (LIKE {} INCLUDING DEFAULTS) ON COMMIT DROP")
        connection.execute(make.format(sql.Identifier(table), sql.Identifier(of)))
    # A key is given when the row is put in.
    connection.execute(sql.SQL("ALTER TABLE {} DROP COLUMN vector_key").format(sql.Identifier(staged_images)))
    _put(connection, column, staged_images, staged_tags, offered, wanted)
    for statement in _MERGING:
        connection.execute(statement)


def _merging() -> Iterator[sql.Composed]:
    names = sql.SQL(", ").join(map(sql.Identifier, [*IMAGE_COLUMNS, "embedding"]))
    set_all = sql.SQL(", ").join(
        sql.SQL("{0} = EXCLUDED.{0}").format(sql.Identifier(name)) for name in IMAGE_COLUMNS if name != "image_id"
    )
    # The same vector stays as it lies: its row may then be changed without a new place in any index.
    yield sql.SQL(
        "INSERT INTO images ({names}) SELECT {names} FROM staged_images "
        "ON CONFLICT (image_id) DO UPDATE SET {set_all}, updated_at = now(), embedding = CASE "
        "WHEN (images.encoder, images.vector_version) IS NOT DISTINCT FROM (EXCLUDED.encoder, EXCLUDED.vector_version) "
        "AND (images.embedding IS NULL) = (EXCLUDED.embedding IS NULL) "
        "THEN images.embedding ELSE EXCLUDED.embedding END"
    ).format(names=names, set_all=set_all)
    yield sql.SQL(
        "DELETE FROM image_tags USING staged_images WHERE image_tags.image_id = staged_images.image_id AND NOT EXISTS ("
        "SELECT FROM staged_image_tags AS staged "
        "WHERE (staged.image_id, staged.tag) = (image_tags.image_id, image_tags.tag))"
    ).format()
    yield sql.SQL(
        "INSERT INTO image_tags SELECT * FROM staged_image_tags ON CONFLICT (image_id, tag) DO UPDATE SET "
        "kind = EXCLUDED.kind, confidence_ratio = EXCLUDED.confidence_ratio WHERE "
        "(image_tags.kind, image_tags.confidence_ratio) IS DISTINCT FROM (EXCLUDED.kind, EXCLUDED.confidence_ratio)"
    ).format()


_MERGING: Final = tuple(_merging())


def _note(connection: Connection, offered: OfferedDay) -> None:
    """Say what the day was made from; what is noted already is not written again."""
    noted = [offered.day, len(offered.versions), offered.encoder_label, offered.vectors_version]
    connection.execute(
        "WITH noted (day, images, encoder, vectors_version) AS (VALUES (%s::date, %s::int, %s::text, %s::text)) "
        "INSERT INTO published_days SELECT * FROM noted "
        "WHERE NOT EXISTS (SELECT FROM published_days AS former WHERE (former.day, former.images, former.encoder, "
        "former.vectors_version) = (noted.day, noted.images, noted.encoder, noted.vectors_version)) "
        "ON CONFLICT (day) DO UPDATE SET images = EXCLUDED.images, encoder = EXCLUDED.encoder, "
        "vectors_version = EXCLUDED.vectors_version, published_at = now()",
        noted,
    )


def count_day(connection: Connection, day: date, unwanted: Sequence[str]) -> dict[str, int]:
    """How many images, vectors and tags a day has, and how many of the images that should not be there."""
    row = connection.execute(
        "SELECT count(*), count(embedding), count(*) FILTER (WHERE image_id = ANY(%s::uuid[])), "
        "coalesce(sum((SELECT count(*) FROM image_tags WHERE image_tags.image_id = images.image_id)), 0)::bigint "
        "FROM images WHERE day = %s",
        [list(unwanted), day],
    ).fetchone()
    images, vectors, erased, tags = row or (0, 0, 0, 0)
    return {"images": images, "vectors": vectors, "erased images": erased, "tags": tags}
