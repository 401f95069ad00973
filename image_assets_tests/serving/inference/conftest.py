"""A model that a test holds and lets go, and a service over real HTTP in this process that asks it."""

import asyncio
import importlib
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import pytest
import uvicorn

from image_assets.serving.application import create_app
from image_assets.serving.inference.inference import Inference
from image_assets.serving.service import Service
from image_assets.settings import Settings

if TYPE_CHECKING:
    from image_assets.imaging.pixels import RgbImage
    from image_assets.models.encoders.encoder import Embeddings
    from image_assets_tests.scenario import ColourMeans, Scenario


class HeldService:
    """A running service, its encoder's gate, and the sizes of the batches that went through it."""

    def __init__(self, service: Service, url: str, gate: threading.Event, batches: list[int]) -> None:
        self.service, self.url, self.gate, self.batches = service, url, gate, batches

    @property
    def inference(self) -> Inference:
        return self.service.inference


def wait_until(is_true: Callable[[], object]) -> None:
    give_up_at = time.monotonic() + 60
    while not is_true():
        assert time.monotonic() < give_up_at, "waited in vain"
        time.sleep(0.01)


@pytest.fixture(scope="session")
def until() -> Callable[[Callable[[], object]], None]:
    """Wait until something is so."""
    return wait_until


@pytest.fixture(scope="session")
def hanging() -> Iterator[ModuleType]:
    # See unit/compute/conftest.py.
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(Path(__file__).parent / "functions")
        yield importlib.import_module("hanging")


@pytest.fixture(scope="session")
def scenarios() -> Iterator[ModuleType]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(Path(__file__).parents[2])
        yield importlib.import_module("scenario")


@pytest.fixture
def scenario(scenarios: ModuleType, tmp_path: Path) -> "Scenario":
    made: Scenario = scenarios.Scenario(tmp_path / "lake")
    return made


@pytest.fixture(scope="session")
def paint(scenarios: ModuleType) -> Callable[..., bytes]:
    function: Callable[..., bytes] = scenarios.paint
    return function


def _held_encoder(colour_means: "type[ColourMeans]", gate: threading.Event, batches: list[int]) -> "ColourMeans":
    class HeldColours(colour_means):  # type: ignore[misc,valid-type]
        """Encodes when the gate is open; a white picture is more than it can take."""

        def encode_images(self, images: "Sequence[RgbImage]") -> "Embeddings":
            assert gate.wait(60)
            batches.append(len(images))
            if any(image.mean() > 250 for image in images):
                raise RuntimeError("a white picture")
            return super().encode_images(images)

    return HeldColours()


@contextmanager
def _serving(service: Service, settings: Settings) -> Iterator[str]:
    app = create_app(settings)
    app.state.service = service
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_config=None, lifespan="off", ws="none", http="h11")
    server = uvicorn.Server(config)

    async def run() -> None:
        service.open()
        try:
            await server.serve(sockets=[listening])
        finally:
            service.close()

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    try:
        wait_until(lambda: server.started)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(60)
        assert not thread.is_alive()


@pytest.fixture
def held(scenarios: ModuleType, scenario: "Scenario") -> Iterator[HeldService]:
    """A service of a lake of its own; its gate is open."""
    gate, batches = threading.Event(), list[int]()
    gate.set()
    encoder = _held_encoder(scenarios.ColourMeans, gate, batches)
    settings = Settings(root=scenario.root, classes="red,green,blue")
    service = Service(settings, is_local=True)
    service.inference = Inference(service.tables, lambda: encoder, lambda: service.settings, service.locate)
    with _serving(service, settings) as url:
        try:
            yield HeldService(service, url, gate, batches)
        finally:
            gate.set()
