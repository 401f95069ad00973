"""Every error this package raises on purpose, and the closed list of reasons to reject an image.

    ImageAssetsError
    ├── ConfigurationError        a setting is wrong: the message names it and what to set
    │   └── ChangeRefusedError    a setting may not be changed, or not to this value
    │       └── StaleChangeError  somebody else changed settings first
    ├── StorageError              the lake cannot be read or written
    │   ├── ObjectNotFoundError   no object under this key (also a FileNotFoundError)
    │   ├── ObjectForbiddenError  this object may not be read (also a PermissionError)
    │   ├── ObjectKeptError       this object has snapshots, which have to go first
    │   ├── ObjectArchivedError   this object has to be brought back before it is read
    │   └── StoreUnavailableError the storage does not answer: worth a retry
    │       ├── ObjectChangedError another process replaced the object first
    │       ├── StoreReadOnlyError nothing can be changed there
    │       └── StoreFullError    there is no room left
    ├── TableError                a table file is unreadable or breaks its schema
    │   └── NoDayError            nothing was ever run: there is nothing to search
    ├── ModelError                a model is missing, corrupt or of the wrong kind
    │   └── PoisonedItemError     a model fails on this one item and on no other
    ├── AlreadyTrainingError      a classifier is being trained: one at a time is
    ├── ServiceBusyError          more is asked for than can be done: the same call may succeed later
    ├── ServiceError              a service did not do what a client asked of it
    ├── PrivacyError              a derivative would show more than it may: nothing of it is written
    ├── SearchError               a search asks for what there is not, or its index does not fit
    ├── UnknownImageError         what names an image or a file fits none (also a LookupError)
    ├── AmbiguousImageError       what names an image or a file fits several (also a LookupError)
    ├── DecisionError             what a person decided cannot be kept as it was said
    └── ImageError                this one image cannot be used: it becomes a rejected row

Only `ImageError` is caught per image; everything else stops the run.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from enum import StrEnum


class RejectionReason(StrEnum):
    """Why a file did not become an image; the list is closed so that reports can count by it."""

    EMPTY = "empty"
    UNREADABLE = "unreadable"
    NOT_AN_IMAGE = "not_an_image"
    UNSUPPORTED_FORMAT = "unsupported_format"
    TRUNCATED = "truncated"
    CORRUPT = "corrupt"
    TOO_MANY_PIXELS = "too_many_pixels"
    TOO_SMALL = "too_small"
    TOO_LARGE = "too_large"
    BAD_ASPECT = "bad_aspect"
    TIMEOUT = "timeout"
    OUT_OF_MEMORY = "out_of_memory"
    WORKER_CRASHED = "worker_crashed"
    POLICY = "policy"


class ImageAssetsError(Exception):
    """Root of the family."""


class ConfigurationError(ImageAssetsError, ValueError):
    """A setting is missing, unknown or impossible."""


class ChangeRefusedError(ConfigurationError):
    """What was to be changed while everything runs is no such setting, or the value is none of its own."""


class StaleChangeError(ChangeRefusedError):
    """Settings were changed since they were looked at; what was to be changed was not."""


class StorageError(ImageAssetsError):
    """The lake cannot be read or written.

    Attributes:
        key: of the object that it is about, where it is one.
    """

    def __init__(self, message: str, *, key: str | None = None) -> None:
        super().__init__(message)
        self.key = key


class ObjectNotFoundError(StorageError, FileNotFoundError):
    """No object exists under the key."""


class ObjectForbiddenError(StorageError, PermissionError):
    """The object exists but may not be read."""


class ObjectKeptError(StorageError):
    """The object is not deleted while it has snapshots, which somebody took on purpose."""


class ObjectArchivedError(StorageError):
    """The object is kept where nothing can be read; it is whole, and comes back within hours when it is asked for."""


class StoreUnavailableError(StorageError):
    """The storage does not answer or refuses; the same call may succeed later."""


class ObjectChangedError(StoreUnavailableError):
    """Another process replaced the object since its version was read; what was to be written was not."""


class StoreReadOnlyError(StoreUnavailableError):
    """The storage can be read and takes no change."""


class ErasureBegunError(StoreUnavailableError):
    """An erasure has begun and could not end: nobody is shown what is left, and it goes when it is erased again."""


class StoreFullError(StoreUnavailableError):
    """There is no room left in the storage."""


class TableError(ImageAssetsError, ValueError):
    """A table file cannot be read, or rows break the table's schema.

    Attributes:
        table: its name, where it is one table.
        day: the partition, where it is one.
        key: of the file, where it is one.
    """

    def __init__(
        self, message: str, *, table: str | None = None, day: date | None = None, key: str | None = None
    ) -> None:
        super().__init__(message)
        self.table, self.day, self.key = table, day, key


class NoDayError(TableError):
    """No day was ever committed of a table that is asked for everything."""


class ModelError(ImageAssetsError, RuntimeError):
    """A model cannot be loaded or does not do what its description says."""


class PoisonedItemError(ModelError):
    """A model fails on this one item, for whatever reason; others of its batch are done."""


class AlreadyTrainingError(ImageAssetsError):
    """A classifier is being trained already; two at once would each beat the same champion."""


class ServiceBusyError(ImageAssetsError):
    """More is asked for at once than a service can do.

    Attributes:
        seconds: after which it is worth to ask again.
    """

    def __init__(self, message: str, *, seconds: int) -> None:
        super().__init__(message)
        self.seconds = seconds


class SearchError(ImageAssetsError, ValueError):
    """A search cannot be answered as it was asked, or the index that it needs does not fit."""


class DamagedIndexError(SearchError):
    """The index cannot be read; lists and conditions do without it."""


class UnknownWordsError(SearchError):
    """A strict search has words that the encoder does not know.

    Args:
        encoder: its name.
        unknown: the words.
        known: the rest of the text; empty when there is none.
    """

    def __init__(self, encoder: str, unknown: Sequence[str], known: str) -> None:
        nearest = f", leave strict out to see what is nearest to “{known}”" if known else ""
        told = f"{encoder} knows no “{' '.join(unknown)}”: use other words{nearest}"
        super().__init__(f"{told}, or set IMAGE_ASSETS_ENCODER to an encoder that knows more words")


class UnknownImageError(ImageAssetsError, LookupError):
    """An id or a name fits no image, or no rejected file."""


class AmbiguousImageError(ImageAssetsError, LookupError):
    """An id or a name fits several images, or several rejected files."""


class DecisionError(ImageAssetsError, ValueError):
    """What a person decided says nothing, says two things, or is not theirs to say."""


class ServiceError(ImageAssetsError):
    """A service did not do what a client asked of it.

    Attributes:
        status: of its answer; None where it was not reached.
        problem: what it told (RFC 9457).
        reason: why a file cannot become an image, where that is the problem.
    """

    def __init__(self, message: str, *, status: int | None, problem: Mapping[str, object] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.problem = problem or {}
        self.reason = self.problem.get("reason")


class PrivacyError(ImageAssetsError, RuntimeError):
    """A derivative would hold more than pixels."""


class ImageError(ImageAssetsError, ValueError):
    """One image cannot be used.

    Attributes:
        reason: the closed reason.
        detail: one line for a person: what was found, what is allowed.
        facts: columns of a rejection that were learnt on the way.
    """

    def __init__(self, reason: RejectionReason, detail: str, facts: Mapping[str, object] | None = None) -> None:
        super().__init__(reason, detail, facts)
        self.reason = reason
        self.detail = detail
        self.facts = facts or {}

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}"
