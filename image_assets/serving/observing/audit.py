"""How a route says what it has changed."""

from collections.abc import Sequence

from asgi_correlation_id import correlation_id

from image_assets.serving.observing.audit_trail import Act
from image_assets.serving.observing.request_notes import REQUEST


def audit(what: str, subjects: Sequence[str], result: str = "done", note: str = "") -> None:
    """Keep for good that this request has changed something; to be called when it is done and before the answer.

    Who, from where and the request's id are known. What a caller may not change is kept by the middleware.

    Args:
        what: the operation: upload, decision, erasure, configuration, ...
        subjects: ids of images, pairs, settings; never texts of users.
        result: what came of it.
        note: whatever else an auditor wants to know.

    Raises:
        StoreUnavailableError: it cannot be kept.
    """
    notes = REQUEST.get()
    request_id = correlation_id.get() or ""
    notes.trail.append(Act(notes.caller, what, subjects, len(subjects), result, notes.address, request_id, note))
