"""What a person is told when this machine's clock cannot be right."""

from datetime import datetime, timedelta

from image_assets.cli.console import CONSOLE

# Two machines that are set by the same servers differ by less.
_LEAST_LAG = timedelta(seconds=1)


def mention_clock(said_at: datetime, now: datetime) -> None:
    """Say so when a word had to be given a later instant than the clock's, because an earlier word has that already."""
    if said_at - now >= _LEAST_LAG:
        CONSOLE.print(
            f"this machine's clock says {now:%Y-%m-%d %H:%M:%S} UTC, but something was decided at "
            f"{said_at:%Y-%m-%d %H:%M:%S} already: look which clock is wrong. What you said counts as the later word",
            highlight=False,
        )
