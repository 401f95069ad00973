import subprocess
import sys

PROGRAM = """
import sys
from image_assets.compute.engine import EngineParams
from image_assets.compute.opening import open_engine

print(open_engine("processes", EngineParams(workers=1), is_lake_shared=False).__class__.__name__, "ray" in sys.modules)
sys.modules["ray"] = None
open_engine("ray", EngineParams(workers=1), is_lake_shared=True)
"""


def test_ray_is_loaded_when_it_is_asked_for_and_asked_for_by_its_extra_where_it_is_missing() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False)
    assert done.stdout == "ProcessEngine False\n"
    assert 'ConfigurationError: IMAGE_ASSETS_ENGINE=ray needs: pip install "image-assets[ray]"' in done.stderr
