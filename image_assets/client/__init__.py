"""A client of the service: what it offers, as calls with types, which try again where that helps.

Belongs here: how to ask over HTTP. Stays out: everything of the platform but its errors and its ids.
"""

from image_assets.client.client import Client, Uploaded
from image_assets.client.retries import Retries

__all__ = ["Client", "Retries", "Uploaded"]
