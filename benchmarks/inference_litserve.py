"""Predictions by LitServe, one worker, no waiting for a batch to fill: `python inference_litserve.py litserve PORT`.

Its worker is a process that imports this module anew, so the class stands at its top.
"""

import base64
import sys
from typing import Any

import litserve
from inference_contestants import Model

LARGEST_BATCH = 32


class Predictor(litserve.LitAPI):
    """A picture comes in JSON, as in LitServe's examples."""

    def setup(self, device: str) -> None:  # noqa: ARG002 - its name is LitServe's
        """Load the model."""
        self.model = Model()

    def decode_request(self, request: dict[str, str]) -> Any:
        """Pixels."""
        return self.model.decode(base64.b64decode(request["image"]))

    def batch(self, inputs: list[Any]) -> list[Any]:
        """Photos differ in size: no array of them."""
        return inputs

    def unbatch(self, output: list[dict[str, object]]) -> list[dict[str, object]]:
        """They are apart already."""
        return output

    def predict(self, pictures: list[Any]) -> list[dict[str, object]]:
        """Of a batch."""
        return self.model.predict(list(pictures))

    def encode_response(self, output: dict[str, object]) -> dict[str, object]:
        """As it is."""
        return output


if __name__ == "__main__":
    api = Predictor(max_batch_size=LARGEST_BATCH, batch_timeout=0.0, api_path="/v1/predict")
    litserve.LitServer(api, accelerator="cpu", workers_per_device=1).run(
        host="127.0.0.1", port=int(sys.argv[2]), num_api_servers=1, generate_client_file=False, log_level="error"
    )
