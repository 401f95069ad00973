"""The days that a command is about: `--day`, or `--from` and `--to`."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import TypeVar

import click

_DAY = click.DateTime(["%Y-%m-%d"])
CommandT = TypeVar("CommandT", bound=Callable[..., object])


def period_options(otherwise: str) -> Callable[[CommandT], CommandT]:
    """Options of a command that takes `day`, `first` and `last`; `otherwise` says what is meant without them."""

    def decorate(command: CommandT) -> CommandT:
        for option in (
            click.option("--to", "last", type=_DAY, help="Last of several days; yesterday by default."),
            click.option("--from", "first", type=_DAY, help="First of several days."),
            click.option("--day", type=_DAY, help=f"One day (UTC); {otherwise} by default."),
        ):
            command = option(command)
        return command

    return decorate


def period(day: datetime | None, first: datetime | None, last: datetime | None) -> tuple[date, date] | None:
    """First and last day; None when no option is given.

    Raises:
        UsageError: the options contradict each other.
    """
    if day and (first or last):
        raise click.UsageError("--day or --from and --to, not both")
    if first is None:
        if last:
            raise click.UsageError("--to needs --from")
        return (day.date(), day.date()) if day else None
    end = last.date() if last else yesterday()
    if end < first.date():
        raise click.UsageError(f"{first.date()} is after {end}")
    return first.date(), end


def yesterday() -> date:
    """The last full day (UTC)."""
    return datetime.now(UTC).date() - timedelta(days=1)


def recent_days(count: int) -> list[date]:
    """Today (UTC) and the days before it, so many in all."""
    return days_between(yesterday() - timedelta(days=count - 2), yesterday() + timedelta(days=1))


def days_between(first: date, last: date) -> list[date]:
    """Both ends included."""
    return [first + timedelta(days=offset) for offset in range((last - first).days + 1)]
