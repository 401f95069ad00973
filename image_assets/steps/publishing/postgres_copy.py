"""What erasures reach in PostgreSQL."""

from dataclasses import dataclass

from image_assets.ids import ImageId
from image_assets.publishing.postgres.images_table import erase_image
from image_assets.publishing.postgres.server import Postgres


@dataclass(frozen=True, slots=True)
class PostgresCopy:
    """A `PublishedCopy`."""

    server: Postgres

    @property
    def place(self) -> str:
        """See `PublishedCopy`."""
        return f"PostgreSQL ({self.server.place})"

    def erase(self, image_id: ImageId) -> int:
        """See `PublishedCopy`; the image's tags go with it."""
        return self.server.ask(lambda connection: erase_image(connection, image_id))
