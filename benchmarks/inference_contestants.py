"""Endpoints that predict a picture as everybody writes them first: `python inference_contestants.py async|def PORT`."""

import os
import sys
from typing import Any

import torch
import uvicorn
from fastapi import Body, FastAPI, Request

from image_assets.imaging.decode import decode_within
from image_assets.models.classifiers.linear_classifier import make_zero_shot
from image_assets.models.classifiers.review_rule import USUAL_THRESHOLD
from image_assets.models.encoders.encoder import Placement
from image_assets.models.encoders.lazy_encoder import open_encoder
from image_assets.steps.classification.predictions import CLOTHES, say
from image_assets.tables.images import SILVER_MAX_SIDE_PX


class Model:
    """Builtin encoder and zero-shot classification, on one thread."""

    def __init__(self, precision: str | None = None) -> None:
        torch.set_num_threads(1)
        chosen = precision or os.environ["IMAGE_ASSETS_PRECISION"]
        self.encoder = open_encoder("builtin", None, Placement(device="cpu", precision=chosen))
        self.classifier = make_zero_shot(self.encoder, CLOTHES)

    def decode(self, data: bytes) -> Any:
        """Pixels of a file."""
        return decode_within(data, SILVER_MAX_SIDE_PX)

    def predict(self, pictures: list[Any]) -> list[dict[str, object]]:
        """What pictures are taken for."""
        rows = self.classifier.probabilities(list(self.encoder.encode_images(pictures)))
        return [say(self.classifier.labels, row, USUAL_THRESHOLD) for row in rows]


def plain_app(*, is_async: bool) -> FastAPI:
    """The model within the endpoint, in the event loop or in FastAPI's forty threads."""
    app, model = FastAPI(), Model()

    @app.get("/health")
    async def health() -> str:
        return "alive"

    async def in_the_loop(request: Request) -> dict[str, object]:
        return model.predict([model.decode(await request.body())])[0]

    def in_a_thread(data: bytes = Body(media_type="application/octet-stream")) -> dict[str, object]:
        return model.predict([model.decode(data)])[0]

    app.post("/v1/predict")(in_the_loop if is_async else in_a_thread)
    return app


def main() -> None:
    """Serve until terminated."""
    kind, port = sys.argv[1], int(sys.argv[2])
    uvicorn.run(plain_app(is_async=kind == "async"), host="127.0.0.1", port=port, log_level="error", http="httptools")


if __name__ == "__main__":
    main()
