"""The benchmark for a machine that is not here runs on the one that is, so that it works when it gets there."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

COMMAND = [sys.executable, str(Path(__file__).parents[2] / "benchmarks" / "encoding_on_gpu.py")]
SMALL = "--device cpu --checkpoints tiny --precisions fp32 --executions eager --batch-sizes 2,4 --images 8 --rounds 1"


# Where memory ends is chance: oneDNN may be who gets none, and says only that it "could not create a primitive".
@pytest.mark.soak
def test_it_writes_its_tables_on_the_cpu_where_memory_runs_out_for_real(tmp_path: Path) -> None:
    page = tmp_path / "benchmarks.md"
    done = subprocess.run([*COMMAND, *SMALL.split(), "--write", page], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    written = page.read_text()
    assert re.findall(r"^\| \d\.\d\d \| (\d) \| eager \| \d+ \| \d+ \|$", written, re.MULTILINE) == ["2", "4"]
    asked, fits = map(int, re.findall(r"^\| (\d+) \| (\d+) \| eager \| \d+ \| \d\.\de", written, re.MULTILINE)[0])
    assert fits < asked


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without CUDA")
def test_without_a_gpu_it_measures_nothing_and_says_what_can_be_run() -> None:
    done = subprocess.run(COMMAND, capture_output=True, text=True)
    assert done.returncode == 1
    assert "no CUDA device here: nothing was measured. `--device cpu" in done.stderr
