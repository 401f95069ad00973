"""What a key may be used for."""

from collections.abc import Collection
from enum import StrEnum


class Role(StrEnum):
    """What a caller may do; a key may have several."""

    UPLOAD = "upload"
    """Bring images in, and see one's own."""
    READ = "read"
    """See and search every image, without what is private, and ask the models."""
    REVIEW = "review"
    """Read, and decide what images show."""
    ADMIN = "admin"
    """Everything: erase, configure, see what is private."""


_INCLUDED = {
    Role.UPLOAD: {Role.UPLOAD},
    Role.READ: {Role.READ},
    Role.REVIEW: {Role.REVIEW, Role.READ},
    Role.ADMIN: {*Role},
}


def includes(roles: Collection[Role], wanted: Role) -> bool:
    """Whether any of the roles allows what `wanted` allows."""
    return any(wanted in _INCLUDED[role] for role in roles)
