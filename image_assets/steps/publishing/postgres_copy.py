"""What erasures reach in PostgreSQL."""

from dataclasses import dataclass
from datetime import date
from typing import Final

from image_assets.ids import ImageId
from image_assets.publishing.postgres.images_table import erase_image
from image_assets.publishing.postgres.server import Postgres
from image_assets.steps.publishing.places import postgres_place
from image_assets.steps.upkeep.erasure import Reached

_REMAINS: Final = "backups and archived logs of the database, until they expire there"


@dataclass(frozen=True, slots=True)
class PostgresCopy:
    """A `PublishedCopy`."""

    server: Postgres

    @property
    def place(self) -> str:
        """See `PublishedCopy`."""
        return postgres_place(self.server.place)

    def erase(self, image_id: ImageId, day: date) -> Reached:  # noqa: ARG002 - an id is enough there
        """See `PublishedCopy`; the image's tags go with it."""
        return Reached(self.server.ask(lambda connection: erase_image(connection, image_id)), _REMAINS)
