"""What is learnt of a request on its way through the service, for the access log and the audit trail."""

from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final

from image_assets.serving.observing.audit_trail import AuditTrail


@dataclass(slots=True)
class RequestNotes:
    """Notes about one request; whoever learns something writes it down.

    Attributes:
        trail: where acts are kept.
        address: where the request comes from.
        caller: name of its key; empty for nobody.
        is_audited: whether an act of it was kept.
    """

    trail: AuditTrail
    address: str
    caller: str = ""
    is_audited: bool = False


# An object, because what a route's thread sets in a context of its own does not come back to the middleware.
REQUEST: Final[ContextVar[RequestNotes]] = ContextVar("request")


def note_caller(name: str) -> None:
    """Write down whose key a request has shown; nothing happens outside of a request."""
    if notes := REQUEST.get(None):
        notes.caller = name
