"""Where the log of a service goes: a JSON object per line on standard error, with the request's id."""

import logging

from asgi_correlation_id import CorrelationIdFilter

from image_assets.log_lines import JsonLines


def log_as_json() -> None:
    """Have this process log so, whatever logs; of libraries only what they warn of."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    handler.addFilter(CorrelationIdFilter())
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    for name in ("image_assets", "uvicorn"):
        logging.getLogger(name).setLevel(logging.INFO)
