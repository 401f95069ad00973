"""Training: how far one is, how a new classifier did against the one in charge, and what the two see differently."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Response

from image_assets.access.roles import Role
from image_assets.orchestration.instance.training import start_training
from image_assets.serving.callers import Caller, PageAdmin, PageReviewer
from image_assets.serving.gallery.pages import ShowHere, go_to
from image_assets.serving.listed import SHOWN, ListedImage, shown_image, view_of
from image_assets.serving.observing.audit import audit
from image_assets.serving.service import Service, ServiceHere
from image_assets.steps.classification.behind import count_decisions
from image_assets.steps.classification.challenges import ChangedAnswer, last_challenge, read_challenge
from image_assets.steps.classification.champion import find_card, kept_classifiers
from image_assets.steps.classification.forecast import tell_review
from image_assets.steps.classification.training_runs import read_training
from image_assets.steps.search.conditions import Condition
from image_assets.steps.search.gallery import Order, Wanted
from image_assets.tables.training import CLASSIFIER_EVALUATIONS

router = APIRouter(prefix="/training", include_in_schema=False)
_SHOWN_CHANGES, _SHOWN_VERSIONS = 24, 12
_PAGE: Final = "training.html.jinja"


@router.get("")
def show_training(
    service: ServiceHere,
    caller: PageReviewer,
    show: ShowHere,
    version: Annotated[str | None, Query(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$")] = None,
) -> Response:
    """The training that began last, and a comparison: that of a version, or the newest."""
    tables = service.tables
    challenge = read_challenge(tables, version) if version else last_challenge(tables)
    changed = challenge.changed[:_SHOWN_CHANGES] if challenge else ()
    trained = challenge.challenger if challenge else version or _newest(service)
    return show(
        _PAGE,
        card=find_card(service.store, trained) if trained else None,
        decisions=count_decisions(tables),
        run=read_training(service.store, service.now()),
        challenge=challenge,
        changed=_with_images(service, caller, changed),
        versions=_versions(service),
        may_train=caller.may(Role.ADMIN),
        tell_review=tell_review,
    )


@router.post("/start")
def train(service: ServiceHere, caller: PageAdmin) -> Response:
    """Have a classifier trained from what people decided; it takes charge if it is better, and predicts anew."""
    run = start_training(service.settings, caller.name)
    audit("training", [run.training_id])
    return go_to("/training")


def _newest(service: Service) -> str | None:
    """The version that was trained last, for a lake in which nothing was compared."""
    kept = kept_classifiers(service.store)
    return kept[-1].model_version if kept else None


def _with_images(
    service: Service, caller: Caller, changed: tuple[ChangedAnswer, ...]
) -> list[tuple[ChangedAnswer, ListedImage]]:
    """Each with its picture; what was erased since is left out."""
    if not changed:
        return []
    these = Wanted((Condition("image_id", "=", tuple(each.image_id for each in changed)),), with_duplicates=True)
    rows = service.search.list_images(these, Order.NEWEST, len(changed), None, SHOWN).rows
    view, signer, now = view_of(caller), service.links, service.now()
    listed = [ListedImage(**shown_image(row, view, signer, now)) for row in rows.iter_rows(named=True)]
    images = {image.image_id: image for image in listed}
    return [(each, images[each.image_id]) for each in changed if each.image_id in images]


def _versions(service: Service) -> list[dict[str, Any]]:
    """The challengers of late, the newest first."""
    rows = service.tables.read_or_empty(CLASSIFIER_EVALUATIONS, None).filter(role="challenger")
    return rows.sort("evaluated_at", descending=True).head(_SHOWN_VERSIONS).to_dicts()
