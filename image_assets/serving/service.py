"""What a running service holds, opened once and shared by all requests."""

import asyncio
import threading
import time
from datetime import UTC, date, datetime
from functools import cached_property
from typing import Annotated, Final

import anyio
from fastapi import Depends, Request

from image_assets.access.keys import KeyRing
from image_assets.access.links import LinkSigner, open_signer
from image_assets.configuration import LiveSettings
from image_assets.errors import TableError
from image_assets.ids import ImageId
from image_assets.lake.lake_mark import LakeGuard
from image_assets.lake.object_store import ObjectStore
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.models.encoders.checkpoint_description import describe_checkpoint
from image_assets.models.encoders.checkpoints import locate_checkpoint
from image_assets.models.encoders.encoder import EncoderDescription
from image_assets.opening import open_encoder, open_lake, open_search, published_copies
from image_assets.serving.answers import Answers
from image_assets.serving.arrivals import UploadLanes
from image_assets.serving.crowd import UnderWay
from image_assets.serving.held_bodies import HeldBodies
from image_assets.serving.inference.inference import Inference
from image_assets.serving.limits import RateLimits, RateParams
from image_assets.serving.observing.audit_trail import AuditTrail
from image_assets.serving.observing.examinations import (
    Examinations,
    examine_configuration,
    examine_index,
    examine_keys,
    examine_model,
    examine_projection,
    examine_storage,
    examine_tables,
)
from image_assets.serving.observing.loop_lag import LoopLag
from image_assets.serving.observing.metrics import Metrics
from image_assets.serving.observing.parts import Parts
from image_assets.settings import Settings
from image_assets.steps.audits.day_comparison import DayComparisons
from image_assets.steps.classification.issue_queue import IssueQueue
from image_assets.steps.classification.joint_acceptance import JointAcceptance
from image_assets.steps.classification.known_labels import KnownLabels
from image_assets.steps.classification.opinions import OpinionLog
from image_assets.steps.classification.review_queue import ReviewQueue
from image_assets.steps.duplicates.groups import DuplicateGroups
from image_assets.steps.images.receiving import tidy_up
from image_assets.steps.questions.day_overview import DayOverviews
from image_assets.steps.questions.image_location import Location, locate
from image_assets.steps.questions.rejected_page import RejectedFiles
from image_assets.steps.questions.user_uploads import UserUploads

_SECRETS_LAST_S: Final = 60.0
_LAKE_LASTS_S: Final = 1.0
_SEARCHES_AT_ONCE: Final = 4


class Service:
    """The lake and what is kept of it in memory; `close` ends what it started.

    Attributes:
        is_local: whether nobody but this machine's users can reach it: without any key its owner may do everything.
        inference: what models compute.
        copies: where gold is published, and erasures go.
        search: finds images, in the lake of a second ago at most once it has looked at it.
    """

    def __init__(self, settings: Settings, *, is_local: bool) -> None:
        self.is_local = is_local
        self._guard = LakeGuard()
        self.tables: ParquetTables = open_lake(settings, self._guard)
        self.keys = KeyRing(self.tables.store)
        self.limits = RateLimits()
        self.live = LiveSettings(settings, self.tables.store)
        self.trail = AuditTrail(self.tables.store, check=self.check_lake)
        self.parts = Parts(self._examinations())
        self.lag = LoopLag()
        self.metrics = Metrics(lambda: self.parts.states, self.lag.worst)
        self.opinions = OpinionLog(self.store)
        self.reviews = ReviewQueue(self.tables, self.opinions)
        self.issues = IssueQueue(self.tables, self.opinions)
        self.joint = JointAcceptance(self.tables, self.opinions)
        self.labels = KnownLabels(self.tables, self.opinions)
        self.duplicates = DuplicateGroups(self.tables)
        self.rejected = RejectedFiles(self.tables)
        self.days = DayOverviews(self.tables)
        self.comparisons = DayComparisons(self.tables)
        self.uploads = UserUploads(self.tables)
        self.lanes = UploadLanes()
        self.bodies = HeldBodies()
        self.under_way = UnderWay()
        self.searching = anyio.CapacityLimiter(_SEARCHES_AT_ONCE)
        self.answers = Answers(self.tables.store)
        self._settings = settings
        self.inference = Inference(self.tables, lambda: open_encoder(settings), lambda: self.settings, self.locate)
        encoder = self.inference.encoder
        self.search = open_search(settings, encoder, patience_s=_LAKE_LASTS_S, guard=self._guard)
        self.copies = published_copies(settings)
        self._opening = threading.Lock()
        self._signer: LinkSigner | None = None
        self._signer_opened_at = 0.0

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        return self.live.now

    @property
    def is_fresh(self) -> bool:
        """Whether `refresh` would do nothing."""
        return self.keys.is_fresh and self.live.is_fresh

    def refresh(self) -> None:
        """Read keys and settings that were changed since.

        Raises:
            StoreUnavailableError: the lake is not where it was.
        """
        self.check_lake()
        self.keys.refresh()
        self.live.refresh()

    def check_lake(self) -> None:
        """See that the lake is the one of the start; whatever its store changes is preceded by such a look.

        Raises:
            StoreUnavailableError: it is not.
        """
        self._guard.check()

    @property
    def store(self) -> ObjectStore:
        """The lake's objects."""
        return self.tables.store

    @property
    def rates(self) -> RateParams:
        """How much may be asked for."""
        return RateParams(self.settings.rate_limit, self.settings.rate_limit_all)

    @property
    def links(self) -> LinkSigner:
        """Signs links and marks of pages, with the secrets of a minute ago at most."""
        with self._opening:
            if self._signer is None or time.monotonic() - self._signer_opened_at > _SECRETS_LAST_S:
                self._signer, self._signer_opened_at = open_signer(self.store), time.monotonic()
            return self._signer

    def now(self) -> datetime:
        """The time by which keys and links expire."""
        return datetime.now(UTC)

    @cached_property
    def encoder_description(self) -> EncoderDescription:
        """Whose vectors the lake is searched with; nothing is loaded for it."""
        return describe_checkpoint(locate_checkpoint(self._settings.encoder, self._settings.encoder_revision))

    def locate(self, image_id: ImageId) -> Location | None:
        """Where an image is; None when the lake has never seen it."""
        try:
            days: list[date] | None = self.search.days_of(image_id)
        except TableError:
            # Without a day of gold, or with a damaged one, nothing is known of where to look.
            days = None
        return locate(self.tables, image_id, days)

    def renew(self) -> None:
        """Show nothing of what the lake was before this moment: something of it had to go."""
        self.search.renew()
        self.rejected.renew()
        self.opinions.all()

    def open(self) -> None:
        """Begin what runs beside requests, with nothing left of those that were killed.

        To be called where the event loop runs.
        """
        self._guard.begin(self.store)
        tidy_up(self.tables)
        self._watching = asyncio.get_running_loop().create_task(self.lag.watch())
        self.inference.open()
        self.search.begin()

    def close(self) -> None:
        """End what runs beside requests."""
        self._watching.cancel()
        self.inference.close()
        self.trail.close()

    def _examinations(self) -> Examinations:
        """What /ready looks at."""
        return {
            "storage": lambda: examine_storage(self.store, self._settings, self.check_lake),
            "keys": lambda: examine_keys(self.keys),
            "configuration": lambda: examine_configuration(self.store),
            "tables": lambda: examine_tables(self.tables),
            "projection": lambda: examine_projection(self.search, self.tables),
            "index": lambda: examine_index(self.store, self._settings),
            "model": lambda: examine_model(self.inference.state),
        }


async def service_of(request: Request) -> Service:
    """The service that a request has reached; awaits nothing, but anything else would be called in a thread."""
    service: Service = request.app.state.service
    return service


ServiceHere = Annotated[Service, Depends(service_of)]
"""The type of a route's parameter that is the service."""
