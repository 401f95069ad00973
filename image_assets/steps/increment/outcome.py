"""What a worker hands back for one image; light to import, because every worker does."""

from collections.abc import Mapping
from dataclasses import dataclass

from image_assets.errors import RejectionReason

TableValues = Mapping[str, Mapping[str, object]]
"""Columns by table name, without day, versions and time."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Why the image is rejected; `facts` are the columns of a rejection learnt on the way."""

    reason: RejectionReason
    detail: str
    facts: Mapping[str, object]
