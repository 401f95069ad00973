"""The name of every object in the lake; built from ids and days only, never from a user's text."""

import os
import uuid
from datetime import date, datetime
from urllib.parse import quote, unquote_to_bytes

from image_assets.ids import ImageId, ObjectKey, SourceUri
from image_assets.lake.lots import WHOLE, Lot, lot_named

STORES_OWN = ".lake"
"""What a store keeps for itself in a folder right in the lake: nobody lists it."""
LANDING = "landing"
BRONZE = "bronze"
SILVER = "silver"
THUMBNAILS = "thumbnail"
PREVIEWS = "watermarked"
REGISTERED = "registered"
"""Files that stay where they are, outside the lake; nothing of the lake lies under these keys."""
MANIFESTS = "_manifests"
SOURCES = ObjectKey("sources.json")
TABLES = "tables"
CHECKPOINTS = "_checkpoints"
HISTORY = "_history"
LOTS = "_lots"
ALL_DAYS = "all"
INDEX = "index"
REPORTS = "reports"
REVIEWS = "reviews"
PAIR_REVIEWS = "pair_reviews"
LEASES = "leases"
ACCEPTANCES = "acceptances"
DISMISSALS = "dismissals"
RECEIPTS = "receipts"
ANSWERS = "answers"
API_KEYS = "access/keys"
LINK_SECRETS = ObjectKey("access/links.json")
LAKE_MARK = ObjectKey("lake.json")
CONFIGURATION = "configuration"
AUDIT = "audit"
ARCHIVE_MARK = ObjectKey("archive.mark")
CLASSIFIERS = "models/classifier"
CHAMPION = ObjectKey(f"{CLASSIFIERS}/champion.json")
MODEL_IN_USE = ObjectKey(f"{CLASSIFIERS}/in_use.json")
TRAINING = ObjectKey("models/training.json")
LAST_EPOCH = ObjectKey("models/training.epoch")
WAREHOUSE = ObjectKey("warehouse.duckdb")
WAREHOUSE_VERSION = ObjectKey("warehouse.version")
GALLERY = ObjectKey("gallery.duckdb")
DIGESTS = ObjectKey("digests.parquet")
PUBLISHED_TO = ObjectKey("published.json")


def placed_mark_key(folder: str) -> ObjectKey:
    """What says of a folder that an operator placed elsewhere whose it is."""
    return ObjectKey(f"{folder}/{STORES_OWN}/lake.json")


def landing_prefix(day: date) -> str:
    """The folder that holds a day's uploads."""
    return f"{LANDING}/{day:%Y-%m-%d}"


def landing_day_of(key: ObjectKey) -> date | None:
    """The day of an upload, or of what stands in the place of a day's folder; None for whatever lies elsewhere."""
    top, _, rest = key.partition("/")
    folder = rest.partition("/")[0]
    try:
        day = date.fromisoformat(folder)
    except ValueError:
        return None
    return day if top == LANDING and folder == day.isoformat() else None


def manifest_prefix(day: date) -> str:
    """The folder of what says which files were registered for a day."""
    return f"{landing_prefix(day)}/{MANIFESTS}"


def manifest_key(day: date, root: str, scan: int) -> ObjectKey:
    """Files of a day that one scan of a source has found; later scans sort later."""
    return ObjectKey(f"{manifest_prefix(day)}/{root}-{scan:06}.parquet")


def registered_prefix(day: date) -> str:
    """What the keys of a day's registered files begin with."""
    return f"{REGISTERED}/{day:%Y-%m-%d}"


def registered_key(day: date, folder: str, root: str, path: str) -> ObjectKey:
    """A file of a source, by its path there; wherever the source is mounted, the key is the same."""
    return ObjectKey(f"{registered_prefix(day)}/{folder}/{root}/{path}")


def place_of(key: ObjectKey) -> tuple[str, str] | None:
    """The source of a registered file and its path there; None for whatever lies in the lake."""
    top, *rest = key.split("/", 4)
    return (rest[2], rest[3]) if top == REGISTERED and len(rest) == 4 else None


def sidecar_key(upload: ObjectKey) -> ObjectKey:
    """What the uploader says of an upload, if there is such a file."""
    return ObjectKey(f"{upload}.json")


def receipt_prefix(day: date) -> str:
    """The folder of a day's uploads that were answered and are not known to have been taken in."""
    return f"{RECEIPTS}/{day:%Y-%m-%d}"


def receipt_key(day: date, image_id: ImageId) -> ObjectKey:
    """What is known of an upload before a run has taken it in."""
    return ObjectKey(f"{receipt_prefix(day)}/{image_id}.json")


def answer_key(day: date, digest: str) -> ObjectKey:
    """The first answer to a request that may be sent again; by the day on which it was given."""
    return ObjectKey(f"{ANSWERS}/{day:%Y-%m-%d}/{digest}.json")


def bronze_prefix(day: date) -> str:
    """The folder of a day's originals."""
    return f"{BRONZE}/{day:%Y/%m/%d}"


def bronze_key(day: date, image_id: ImageId, extension: str) -> ObjectKey:
    """An original, byte for byte; `extension` comes from the content's format."""
    return ObjectKey(f"{bronze_prefix(day)}/{image_id}.{extension}")


def silver_key(day: date, image_id: ImageId) -> ObjectKey:
    """The cleansed image."""
    return ObjectKey(f"{SILVER}/{day:%Y/%m/%d}/{image_id}.jpg")


def thumbnail_key(image_id: ImageId) -> ObjectKey:
    """The thumbnail; the two-digit folder keeps directories small."""
    return ObjectKey(f"{THUMBNAILS}/{image_id[:2]}/{image_id}.webp")


def preview_key(image_id: ImageId) -> ObjectKey:
    """The watermarked preview."""
    return ObjectKey(f"{PREVIEWS}/{image_id[:2]}/{image_id}.jpg")


def table_key(table: str, day: date | None, lot: Lot = WHOLE) -> ObjectKey:
    """One table's rows of one day, or of a lot of the day; all of its rows, without a day."""
    name = f"{day:%Y-%m-%d}" if day else ALL_DAYS
    return ObjectKey(f"{TABLES}/{table}/{name}{_folder_of(lot)}.parquet")


def lots_prefix(table: str, day: date) -> str:
    """The folder of a day's files of one table where the day is cut into lots."""
    return f"{TABLES}/{table}/{day:%Y-%m-%d}"


def lots_key(day: date) -> ObjectKey:
    """What says into how many lots a day is cut."""
    return ObjectKey(f"{TABLES}/{LOTS}/{day:%Y-%m-%d}.json")


def _folder_of(lot: Lot) -> str:
    return "" if lot == WHOLE else f"/{lot.name}"


def index_prefix(encoder: str) -> str:
    """The folder of an encoder's vector index."""
    return f"{INDEX}/{encoder}"


def index_manifest_key(encoder: str) -> ObjectKey:
    """What says which shards of the index are in force."""
    return ObjectKey(f"{index_prefix(encoder)}/manifest.json")


def index_file_key(encoder: str, folder: str, name: str) -> ObjectKey:
    """A file of one shard, or of one state of the index; neither is ever changed."""
    return ObjectKey(f"{index_prefix(encoder)}/{folder}/{name}")


def report_prefix(day: date) -> str:
    """The folder of a day's report."""
    return f"{REPORTS}/{day:%Y-%m-%d}"


def report_key(day: date, name: str) -> ObjectKey:
    """One file of a day's report."""
    return ObjectKey(f"{report_prefix(day)}/{name}")


def review_prefix(day: date) -> str:
    """The folder of decisions about a day's images."""
    return f"{REVIEWS}/{day:%Y-%m-%d}"


def review_key(day: date, image_id: ImageId, decided_at: datetime) -> ObjectKey:
    """One person's decision about an image of a day; later ones sort later."""
    return _word_key(review_prefix(day), image_id, decided_at)


def pair_review_key(first: ImageId, second: ImageId, decided_at: datetime) -> ObjectKey:
    """One person's decision about two images; later ones sort later."""
    return _word_key(PAIR_REVIEWS, f"{first}-{second}", decided_at)


def dismissal_prefix(day: date) -> str:
    """The folder of what people said of a day's rejected files."""
    return f"{DISMISSALS}/{day:%Y-%m-%d}"


def dismissal_key(day: date, subject: str, decided_at: datetime) -> ObjectKey:
    """One person's word on a rejected file; later ones sort later."""
    return _word_key(dismissal_prefix(day), subject, decided_at)


def lease_key(image_id: ImageId) -> ObjectKey:
    """Who looks at an image."""
    return ObjectKey(f"{LEASES}/{image_id}.json")


def acceptance_prefix(day: date) -> str:
    """The folder of decisions to take rejected files of a day all the same."""
    return f"{ACCEPTANCES}/{day:%Y-%m-%d}"


def acceptance_key(day: date, subject: str, decided_at: datetime) -> ObjectKey:
    """One person's decision to take a rejected file all the same, or not; later ones sort later."""
    return _word_key(acceptance_prefix(day), subject, decided_at)


def configuration_key(version: int) -> ObjectKey:
    """What was said of the settings; later versions sort later."""
    return ObjectKey(f"{CONFIGURATION}/{version:08d}.json")


def audit_key(day: date, process: str) -> ObjectKey:
    """What one process of the service changed on a day."""
    return ObjectKey(f"{AUDIT}/{day:%Y-%m-%d}/{process}.jsonl")


def _word_key(prefix: str, subject: str, said_at: datetime) -> ObjectKey:
    """A new key at every call: two people at the same instant do not overwrite each other."""
    return ObjectKey(f"{prefix}/{subject}-{said_at:%Y%m%dT%H%M%S%f}-{uuid.uuid4().hex[:8]}.json")


def api_key_key(key_id: str) -> ObjectKey:
    """What is kept of a key of a program or a person."""
    return ObjectKey(f"{API_KEYS}/{key_id}.json")


def day_of(key: ObjectKey) -> date | None:
    """The day of a table's file, or of a lot's; None for whatever else lies in its folder."""
    name = _place_of(key)[1]
    try:
        return date.fromisoformat(name.removesuffix(".parquet")) if name.endswith(".parquet") else None
    except ValueError:
        return None


def table_of(key: ObjectKey) -> str:
    """Name of the table that a file belongs to."""
    return _place_of(key)[0].partition("/")[2]


def beside(key: ObjectKey, table: str) -> ObjectKey:
    """The file of another table of the same day and lot."""
    return ObjectKey(f"{TABLES}/{table}/{key.removeprefix(f'{_place_of(key)[0]}/')}")


def _place_of(key: ObjectKey) -> tuple[str, str]:
    """The folder of a table and the name of a file in it, as if no day were cut into lots."""
    folder, _, name = key.rpartition("/")
    if name.endswith(".parquet") and lot_named(name.removesuffix(".parquet")):
        folder, _, day = folder.rpartition("/")
        return folder, f"{day}.parquet"
    return folder, name


def checkpoint_prefix(table: str, day: date, lot: Lot = WHOLE) -> str:
    """The folder of finished chunks of an interrupted step."""
    return f"{TABLES}/{CHECKPOINTS}/{table}/{day:%Y-%m-%d}{_folder_of(lot)}"


def history_prefix(table: str, day: date, lot: Lot = WHOLE) -> str:
    """The folder of a day's files of former recipes."""
    return f"{TABLES}/{HISTORY}/{table}/{day:%Y-%m-%d}{_folder_of(lot)}"


def history_key(table: str, day: date, recipe_version: str, lot: Lot = WHOLE) -> ObjectKey:
    """A day's file as a former recipe had made it."""
    return ObjectKey(f"{history_prefix(table, day, lot)}/{recipe_version}.parquet")


def name_as_text(name: str) -> str:
    """The name of a file as a column of a table holds it; bytes that are not UTF-8 are replaced."""
    return os.fsencode(name).decode("utf-8", "replace")


def source_uri_of(key: ObjectKey) -> SourceUri:
    """Percent-encode a key: file names need not be valid text, a column of a table must be."""
    return SourceUri(quote(os.fsencode(key)))


def key_of(source_uri: SourceUri) -> ObjectKey:
    """The inverse of `source_uri_of`."""
    return ObjectKey(os.fsdecode(unquote_to_bytes(source_uri)))
