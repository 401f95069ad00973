"""`--only`: which of the days a command is about."""

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import TypeVar

import click

from image_assets.errors import RejectionReason
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.steps.classification.predictions import has_predictions_below
from image_assets.steps.increment.retries import count_rejections, rejecting_stages
from image_assets.steps.questions.plan import Need
from image_assets.tables.chain import CHAIN

CommandT = TypeVar("CommandT", bound=Callable[..., object])

_REASON, _BELOW = "reason=", "model<"
_WORDS = ("failed", "missing", "stale", "model")
_VERSION = re.compile(rf"{_BELOW}[1-9][0-9]*")


def only_option(command: CommandT) -> CommandT:
    """The option of a command that takes `only`."""
    metavar = f"{'|'.join(_WORDS)}|{_BELOW}NUMBER|{_REASON}REASON"
    return click.option("--only", callback=_checked, metavar=metavar, help="Such days only.")(command)


def _checked(_context: click.Context, _option: click.Parameter, only: str | None) -> str | None:
    reasons = [f"{_REASON}{reason.value}" for reason in RejectionReason]
    if only is None or only in {*_WORDS, *reasons} or _VERSION.fullmatch(only):
        return only
    if only.startswith(_BELOW):
        raise click.BadParameter(f"{only!r}: after {_BELOW} comes a whole number, see: image-assets classifier list")
    raise click.BadParameter(f"{only!r} is none of {', '.join((*_WORDS, f'{_BELOW}NUMBER', *reasons))}")


@dataclass(frozen=True)
class DayChoice:
    """What `--only` asks for.

    Attributes:
        only: as typed; None for days that lack anything.
        tables: the lake's tables.
        failed: days whose last run failed.
    """

    only: str | None
    tables: ParquetTables
    failed: Collection[date]

    @property
    def reasons(self) -> list[str]:
        """Of the rejections that are to be tried again."""
        return [self.only.removeprefix(_REASON)] if self.only and self.only.startswith(_REASON) else []

    @cached_property
    def _refusing(self) -> list[str]:
        return rejecting_stages(self.tables)

    def takes(self, day: date, needs: Callable[[], Sequence[Need]]) -> bool:
        """Whether a day is asked for; what it needs is found only where that decides."""
        if self.reasons:
            return count_rejections(self.tables, day, self._refusing, self.reasons) > 0
        if self.only and self.only.startswith(_BELOW):
            return has_predictions_below(self.tables, day, int(self.only.removeprefix(_BELOW)))
        if self.only == "failed":
            return day in self.failed
        return any(map(self._concerns, needs()))

    def _concerns(self, need: Need) -> bool:
        if self.only == "model":
            return need.images > 0 and CHAIN.stage(need.stage).has_versions
        return {"missing": need.missing + need.awaited, "stale": need.stale, None: need.images}[self.only] > 0
