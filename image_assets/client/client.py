"""The client: one method for each thing that the service does."""

import base64
import hashlib
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, TypeAlias, cast
from urllib.parse import quote

import httpx

from image_assets.client.answers import (
    Certificate,
    FoundImages,
    Image,
    ImageList,
    ReviewBody,
    Said,
    SaidOfOne,
    Vectors,
)
from image_assets.client.retries import Retries
from image_assets.errors import ServiceError
from image_assets.ids import ImageId, Sha256

_RAW: Final = {"Content-Type": "application/octet-stream"}
Photo: TypeAlias = Path | str | bytes
"""A file by its path, or its bytes."""

_TIMEOUT: Final = httpx.Timeout(60.0, connect=10.0)


@dataclass(frozen=True, slots=True)
class Uploaded:
    """A file that is in the lake for good.

    Attributes:
        file: its name.
        image_id: of the image that it becomes.
        status_url: where its state is told.
        sha256: of what the service received.
    """

    file: str
    image_id: ImageId
    status_url: str
    sha256: Sha256


class Client:
    """Asks a service; may be shared by threads. Every request that can be repeated is, see `Retries`."""

    def __init__(
        self,
        url: str,
        key: str | None = None,
        *,
        retries: Retries | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """Take the address of the service, and a key of `image-assets keys add`."""
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._retries = retries or Retries()
        self._http = httpx.Client(base_url=url, headers=headers, timeout=_TIMEOUT, transport=transport)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def is_alive(self) -> bool:
        """Whether the service answers.

        Raises:
            ServiceError: it does not, however often it is asked.
        """
        return bool(self._get("/health").get("status") == "alive")

    def upload(
        self,
        photo: Photo,
        *,
        name: str | None = None,
        label: str | None = None,
        on_behalf_of: str | None = None,
    ) -> Uploaded:
        """Upload a file, from disk piece by piece; however often it is sent again, it is one upload.

        Args:
            photo: the file, or its bytes.
            name: what it is called; by default the name of the file.
            label: what it shows.
            on_behalf_of: whose image it becomes; for admins.

        Raises:
            ServiceError: it is refused, and `reason` says why; or the service cannot be reached.
            OSError: the file cannot be read.
        """
        photo = _opened(photo)
        called = name or (photo.name if isinstance(photo, Path) else "upload")
        params = {"name": called, "label": label, "on_behalf_of": on_behalf_of}
        told = {key: _as_text(value) for key, value in params.items() if value is not None}
        headers = {
            **_RAW,
            "Content-Digest": f"sha-256=:{base64.b64encode(_digest(photo)).decode()}:",
            "Idempotency-Key": str(uuid.uuid4()),
        }

        def send() -> httpx.Response:
            if isinstance(photo, bytes):
                return self._http.post("/v1/images", params=told, headers=headers, content=photo)
            with photo.open("rb") as file:
                return self._http.post("/v1/images", params=told, headers=headers, content=file)

        (result,) = self._retries.ask(send).json()
        return Uploaded(**{field: result[field] for field in ("file", "image_id", "status_url", "sha256")})

    def uploads(self, **chosen: Any) -> Mapping[str, Any]:
        """A page of the own uploads of the last days, pending and refused ones too: `state`, `page_token`, …"""
        return cast("Mapping[str, Any]", self._get("/v1/uploads", chosen))

    def image(self, image_id: str) -> Image:
        """What is known of an image: state, features, labels, predictions, lineage."""
        return cast("Image", self._get(f"/v1/images/{_segment(image_id)}"))

    def picture(self, image_id: str, kind: str = "thumbnail") -> bytes:
        """The bytes of its `thumbnail`, `preview`, `silver` or `original`."""
        address = f"/v1/images/{_segment(image_id)}/{_segment(kind)}"
        return self._retries.ask(lambda: self._http.get(address)).content

    def erase(self, image_id: str, reason: str) -> Certificate:
        """Erase an image everywhere; the certificate is what is left of it."""
        address = f"/v1/images/{_segment(image_id)}"
        return cast(
            "Certificate", _fields(self._retries.ask(lambda: self._http.delete(address, params={"reason": reason})))
        )

    def images(self, **chosen: Any) -> ImageList:
        """A page of the images that meet conditions: `where`, `label`, `day`, `order`, `facets`, `page_token`, …"""
        return cast("ImageList", self._get("/v1/images", chosen))

    def search(
        self, text: str | None = None, *, photo: Photo | None = None, image_id: str | None = None, **chosen: Any
    ) -> FoundImages:
        """Images like a text, a picture or another image, best first, with their scores; conditions as of `images`."""
        if photo is None:
            return cast("FoundImages", self._get("/v1/search", {"text": text, "image_id": image_id, **chosen}))
        return cast("FoundImages", self._post("/v1/search", params=_told(chosen), headers=_RAW, content=_read(photo)))

    def similar(self, image_id: str, **chosen: Any) -> FoundImages:
        """Images like one of the lake."""
        return cast("FoundImages", self._get(f"/v1/images/{_segment(image_id)}/similar", chosen))

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """Vectors of texts, in their order."""
        return cast("Vectors", self._post("/v1/encode", json={"texts": list(texts)}))

    def encode_images(self, photos: Sequence[Photo]) -> Vectors:
        """Vectors of pictures, in their order: of all, or none."""
        return cast("Vectors", self._post("/v1/encode", files=_form(photos)))

    def predict(self, photo: Photo | None = None, *, image_id: str | None = None) -> Said:
        """What the model takes a picture for, or an image of the lake."""
        if photo is None:
            return cast("Said", self._post("/v1/predict", json={"image_id": image_id}))
        return cast("Said", self._post("/v1/predict", headers=_RAW, content=_read(photo)))

    def predict_batch(self, photos: Sequence[Photo] = (), *, image_ids: Sequence[str] = ()) -> Sequence[SaidOfOne]:
        """The same of many: a result each, which is a prediction or the problem with that one."""
        if photos:
            answer = self._post("/v1/predict_batch", files=_form(photos))
        else:
            answer = self._post("/v1/predict_batch", json={"image_ids": list(image_ids)})
        results: Sequence[SaidOfOne] = answer["results"]
        return results

    def classes(self) -> Mapping[str, Any]:
        """What the model tells apart."""
        return cast("Mapping[str, Any]", self._get("/v1/classes"))

    def reviews(self, count: int = 5) -> Sequence[ReviewBody]:
        """Images to decide on, which nobody else is asked about for a while."""
        items: Sequence[ReviewBody] = self._get("/v1/reviews", {"count": count})["items"]
        return items

    def decide(self, image_id: str | None, label: str = "", *, kind: str = "label") -> Mapping[str, Any]:
        """Say what an image shows; or `accept`, `skip` or `undo`. Said again by a retry, it is said once.

        To `undo` without an image takes back the own last decision on any.
        """
        decision = {"image_id": image_id, "label": label, "kind": kind, "id": uuid.uuid4().hex}
        told: Mapping[str, Any] = self._post("/v1/reviews", json={"decisions": [_told(decision)]})
        return told

    def undo(self, image_id: str | None = None) -> Mapping[str, Any]:
        """Take back the own last decision, on an image or on any."""
        return self.decide(image_id, kind="undo")

    def progress(self) -> Mapping[str, Any]:
        """How much is reviewed, how much is left, and how far people and the model agree."""
        told: Mapping[str, Any] = self._get("/v1/reviews/progress")
        return told

    def conflicts(self, **chosen: Any) -> Mapping[str, Any]:
        """A page of the images on which people differ."""
        told: Mapping[str, Any] = self._get("/v1/reviews/conflicts", chosen)
        return told

    def duplicates(self, **chosen: Any) -> Mapping[str, Any]:
        """A page of groups of images of the same photo."""
        told: Mapping[str, Any] = self._get("/v1/duplicates", chosen)
        return told

    def rejected(self, **chosen: Any) -> Mapping[str, Any]:
        """A page of rejected files, with their number by reason: `reason`, `day`, `state`, `page_token`."""
        told: Mapping[str, Any] = self._get("/v1/rejected", chosen)
        return told

    def config(self) -> Mapping[str, Any]:
        """The settings in force, each with where it comes from; for admins."""
        told: Mapping[str, Any] = self._get("/v1/config")
        return told

    def _get(self, address: str, params: Mapping[str, Any] | None = None) -> Any:
        return _fields(self._retries.ask(lambda: self._http.get(address, params=_told(params or {}))))

    def _post(self, address: str, *, headers: Mapping[str, str] | None = None, **options: Any) -> Any:
        """Send a body; under a key, by which the service knows it when it comes again."""
        known = {"Idempotency-Key": str(uuid.uuid4()), **(headers or {})}
        return _fields(self._retries.ask(lambda: self._http.post(address, headers=known, **options)))


def _fields(answer: httpx.Response) -> Any:
    body = answer.json()
    if not isinstance(body, dict):
        raise ServiceError(f"{answer.url} answers with no object: is it the service?", status=answer.status_code)
    return body


def _told(params: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters without those that say nothing."""
    return {name: value for name, value in params.items() if value is not None}


def _opened(photo: Photo) -> Path | bytes:
    return Path(photo) if isinstance(photo, str) else photo


def _read(photo: Photo) -> bytes:
    return photo if isinstance(photo, bytes) else Path(photo).read_bytes()


def _form(photos: Sequence[Photo]) -> list[tuple[str, tuple[str, bytes]]]:
    """Pictures as the files of a form, each under its name or its place."""
    return [
        ("file", (str(place) if isinstance(photo, bytes) else _as_text(Path(photo).name), _read(photo)))
        for place, photo in enumerate(photos)
    ]


def _digest(photo: Path | bytes) -> bytes:
    if isinstance(photo, bytes):
        return hashlib.sha256(photo).digest()
    with photo.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def _segment(text: str) -> str:
    """A part of an address that stays one part, whatever it holds."""
    return quote(text, safe="")


def _as_text(name: str) -> str:
    """Names of files need not be text; an address must be."""
    return name.encode("utf-8", "replace").decode()
