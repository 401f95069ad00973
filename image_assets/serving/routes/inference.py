"""What models say: vectors of pictures and texts, and labels of pictures and images."""

import base64
import hashlib
from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Any, Final

import numpy as np
import orjson
from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import contextmanager_in_threadpool, run_in_threadpool
from pydantic import BaseModel, ConfigDict, Field

from image_assets.errors import ImageAssetsError
from image_assets.ids import ImageId
from image_assets.models.encoders.encoder import Embeddings
from image_assets.serving.answers import IdempotencyKey, fingerprint_of
from image_assets.serving.bodies import UNLIMITED
from image_assets.serving.callers import Caller, Reader
from image_assets.serving.clients_gone import unless_gone
from image_assets.serving.guards import MORE
from image_assets.serving.held_bodies import HeldBody
from image_assets.serving.image_names import ImageName, as_id
from image_assets.serving.inference.inference import Inference, Prediction
from image_assets.serving.labels_told import LabelChance
from image_assets.serving.problems import Problem, ProblemBody, body_of_error, documented, kind_of, reason_of, told_of
from image_assets.serving.sent_pictures import (
    JSON,
    MOST_PICTURES,
    OTHER_TYPE,
    BodyHere,
    media_type_of,
    picture_body,
    read_json,
    read_pictures,
)
from image_assets.serving.service import Service, ServiceHere

router = APIRouter(prefix="/v1", tags=["inference"])

_LONGEST_TEXT: Final = 500
Text = Annotated[str, Field(min_length=1, max_length=_LONGEST_TEXT, pattern=r"\S")]


class VectorForm(StrEnum):
    """How vectors are written."""

    FLOAT = "float"
    BASE64 = "base64"


class Texts(BaseModel):
    """Texts to be encoded."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"texts": ["a red dress"]}]})

    texts: list[Text] = Field(min_length=1, max_length=MOST_PICTURES)


class Vectors(BaseModel):
    """Unit vectors, in the order of what was sent: their dot product is the cosine similarity."""

    encoder: str = Field(description="Vectors of one encoder and revision can be compared.", examples=["builtin"])
    revision: str
    dimension: int = Field(examples=[256])
    vectors: list[list[float]] | list[str] = Field(
        description="Numbers, or with `encoding=base64` each vector as float32, little-endian."
    )


class NamedImage(BaseModel):
    """An image of the lake."""

    model_config = ConfigDict(extra="forbid")

    image_id: ImageName


class NamedImages(BaseModel):
    """Images of the lake."""

    model_config = ConfigDict(extra="forbid")

    image_ids: list[str] = Field(
        min_length=1,
        max_length=MOST_PICTURES,
        description="Ids, or their beginnings of eight digits or more; one that is none costs only itself.",
    )


class Said(BaseModel):
    """What the model takes a picture for; the same as a run would keep of it."""

    label: str = Field(examples=["dress"])
    confidence_ratio: float = Field(ge=0, le=1, description="Calibrated probability of the label.")
    top_labels: list[LabelChance] = Field(description="The most probable labels, at most three.")
    needs_review: bool = Field(description="Whether the confidence is below the threshold.")
    model_version: str = Field(examples=["head-3f9a01c2"])


class SaidOfOne(BaseModel):
    """What came of one picture of several: a prediction, or the problem with it."""

    file: str | None = Field(default=None, description="The name that the sender gave the file.")
    image_id: str | None = None
    prediction: Said | None = None
    problem: ProblemBody | None = None


class SaidOfAll(BaseModel):
    """A result per picture, in the order in which they were sent."""

    results: list[SaidOfOne]


class Classes(BaseModel):
    """What the model tells apart."""

    model_version: str
    is_zero_shot: bool = Field(description="Whether it goes by the names of the labels, without having learnt any.")
    remark: str = Field(description="Why this model predicts.")
    labels: list[str]
    review_threshold: float = Field(description="Predictions of less confidence need a review.")


@router.post(
    "/encode",
    response_model=Vectors,
    responses=OTHER_TYPE,
    max_body_size=UNLIMITED,
    openapi_extra=picture_body(are_many=True, or_json=Texts.model_json_schema()),
)
async def encode(
    request: Request,
    service: ServiceHere,
    caller: Reader,
    held: BodyHere,
    encoding: Annotated[VectorForm, Query()] = VectorForm.FLOAT,
) -> Response:
    """Unit vectors of texts (JSON) or pictures (the body, or the files of a form): all of them, or none and why."""
    inference = service.inference
    inference.refuse_when_full(caller.name)
    if media_type_of(request) == JSON:
        texts = (await read_json(request, held.of(caller.name), Texts)).texts
        _count(request, service, caller, texts)
        vectors = await unless_gone(request, inference.encode_texts(texts, caller.name))
    else:
        pictures = [picture.data for picture in await read_pictures(request, held.of(caller.name))]
        _count(request, service, caller, pictures)
        vectors = _all_of(await unless_gone(request, inference.encode_each(pictures, caller.name)))
    return Response(_written(inference, vectors, encoding), media_type=JSON)


@router.post(
    "/predict",
    responses={**OTHER_TYPE, **documented((409,))},
    max_body_size=UNLIMITED,
    openapi_extra=picture_body(are_many=False, or_json=NamedImage.model_json_schema()),
)
async def predict(request: Request, service: ServiceHere, caller: Reader, held: BodyHere) -> Said:
    """What the model takes a picture for (the body, or the file of a form), or an image of the lake (JSON)."""
    inference = service.inference
    inference.refuse_when_full(caller.name)
    subject: bytes | ImageId
    if media_type_of(request) == JSON:
        subject = as_id((await read_json(request, held.of(caller.name), NamedImage)).image_id)
    else:
        (picture,) = await read_pictures(request, held.of(caller.name), most=1)
        subject = picture.data
    return Said.model_validate(await unless_gone(request, inference.predict(subject, caller.name)))


@router.post(
    "/predict_batch",
    response_model=SaidOfAll,
    responses={**OTHER_TYPE, **documented((409,))},
    max_body_size=UNLIMITED,
    openapi_extra=picture_body(are_many=True, or_json=NamedImages.model_json_schema()),
)
async def predict_batch(
    request: Request,
    service: ServiceHere,
    caller: Reader,
    held: BodyHere,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """The same of up to 64 files, or images of the lake: a result each, so that a bad one costs only itself."""
    service.inference.refuse_when_full(caller.name)
    named, subjects = await _subjects(request, held.of(caller.name))
    _count(request, service, caller, subjects)
    asked = fingerprint_of(request.method, request.url.path, [_digest(each) for each in subjects])
    async with contextmanager_in_threadpool(service.answers.remembering(caller.name, idempotency_key)) as memory:
        if replayed := memory.replay(asked):
            return replayed
        answers = await unless_gone(request, service.inference.predict_each(subjects, caller.name))
        results = [SaidOfOne(**name, **_result(answer)) for name, answer in zip(named, answers, strict=True)]
        response = Response(SaidOfAll(results=results).model_dump_json(exclude_none=True), media_type=JSON)
        await run_in_threadpool(memory.keep, asked, response)
        return response


@router.get("/classes")
async def list_classes(service: ServiceHere, _: Reader) -> Classes:
    """What the model that predicts tells apart; it changes when another one is promoted."""
    predictor = await service.inference.predictor()
    return Classes(
        model_version=predictor.model.version,
        is_zero_shot=predictor.model.is_zero_shot,
        remark=predictor.model.remark,
        labels=list(predictor.classifier.labels),
        review_threshold=predictor.model.threshold(service.settings.prediction_params),
    )


async def _subjects(request: Request, held: HeldBody) -> tuple[Sequence[dict[str, str]], Sequence[bytes | ImageId]]:
    """What is asked about, and how each is named in the answer."""
    if media_type_of(request) == JSON:
        ids = [as_id(image_id) for image_id in (await read_json(request, held, NamedImages)).image_ids]
        return [{"image_id": image_id} for image_id in ids], ids
    pictures = await read_pictures(request, held)
    return [{"file": picture.name} for picture in pictures], [picture.data for picture in pictures]


def _digest(subject: bytes | ImageId) -> str:
    return subject if isinstance(subject, str) else hashlib.sha256(subject).hexdigest()


def _count(request: Request, service: Service, caller: Caller, items: Sequence[object]) -> None:
    """A request counts as its items: as many by themselves would. One of them was counted with the request."""
    if len(items) > 1:
        left = service.limits.take(caller.key_id or caller.name, service.rates, cost=len(items) - 1)
        request.scope[MORE].update(left)


def _all_of(answers: Sequence[Any]) -> Embeddings:
    """All vectors; a `Problem` that names each picture that has none."""
    refused = [(place, each) for place, each in enumerate(answers) if isinstance(each, ImageAssetsError)]
    if refused:
        first = refused[0][1]
        faults = [{"pointer": f"/file/{place}", "detail": str(error)} for place, error in refused]
        raise Problem(kind_of(first), told_of(first), more={**reason_of(first), "errors": faults})
    return np.stack(answers)


def _written(inference: Inference, vectors: Embeddings, encoding: VectorForm) -> bytes:
    encoder = inference.description
    written: Any = np.ascontiguousarray(vectors, "<f4")
    if encoding is VectorForm.BASE64:
        written = [base64.b64encode(vector.tobytes()).decode() for vector in written]
    answer = {
        "encoder": encoder.name,
        "revision": encoder.revision,
        "dimension": encoder.dimension,
        "vectors": written,
    }
    return orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY)


def _result(answer: Prediction | ImageAssetsError) -> dict[str, Any]:
    if not isinstance(answer, ImageAssetsError):
        return {"prediction": Said.model_validate(answer)}
    return {"problem": ProblemBody.model_validate(body_of_error(answer))}
