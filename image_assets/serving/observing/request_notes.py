"""What is learnt of a request on its way through the service, for the access log and the audit trail."""

from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Final

from image_assets.errors import RejectionReason
from image_assets.serving.observing.audit_trail import AuditTrail

_REASONS: Final = frozenset(each.value for each in RejectionReason)


@dataclass(slots=True)
class RequestNotes:
    """Notes about one request; whoever learns something writes it down.

    Attributes:
        trail: where acts are kept.
        address: where the request comes from.
        caller: name of its key; empty for nobody.
        refused: why files in it cannot become an image, of the closed list.
    """

    trail: AuditTrail
    address: str
    caller: str = ""
    refused: list[RejectionReason] = field(default_factory=list)


# An object, because what a route's thread sets in a context of its own does not come back to the middleware.
REQUEST: Final[ContextVar[RequestNotes]] = ContextVar("request")


def note_caller(name: str) -> None:
    """Write down whose key a request has shown; nothing happens outside of a request."""
    if notes := REQUEST.get(None):
        notes.caller = name


def note_refused(reason: str) -> None:
    """Write down why a file of a request cannot become an image; what is of no closed list is passed over."""
    if (notes := REQUEST.get(None)) and reason in _REASONS:
        notes.refused.append(RejectionReason(reason))
