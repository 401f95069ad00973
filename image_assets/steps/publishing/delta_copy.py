"""What erasures reach in Delta tables."""

from dataclasses import dataclass
from datetime import date

from image_assets.ids import ImageId
from image_assets.publishing.delta_table import DailyDeltaTable
from image_assets.steps.publishing.delta_gold import DELTA_TABLES
from image_assets.steps.publishing.places import delta_place
from image_assets.steps.upkeep.erasure import Reached


@dataclass(frozen=True, slots=True)
class DeltaCopy:
    """A `PublishedCopy`.

    Attributes:
        location: below which the tables lie.
        keep_hours: for which files of former versions stay.
    """

    location: str
    keep_hours: int

    @property
    def place(self) -> str:
        """See `PublishedCopy`."""
        return delta_place(self.location)

    def erase(self, image_id: ImageId, day: date) -> Reached:
        """See `PublishedCopy`; whoever asks for a former version sees the image until its files are removed."""
        removed = sum(DailyDeltaTable(self.location, name).remove(day, image_id) for name in DELTA_TABLES)
        told = f"files of former versions, until delta_upkeep finds them older than {self.keep_hours} hours"
        return Reached(removed, told)
