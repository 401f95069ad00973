"""Gold in PostgreSQL with pgvector.

Belongs here: the connection, the schema and its migrations, a day's transaction, the index of vectors.
Stays out: which rows a day has.
"""

from image_assets.errors import ConfigurationError

try:
    import psycopg  # noqa: F401 - whoever imports a module of this package needs it
except ImportError as error:
    raise ConfigurationError(
        "IMAGE_ASSETS_POSTGRES needs the extra: pip install 'image-assets[postgres]', or unset it"
    ) from error
