"""What a command says when it is interrupted before it has begun."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

_HELD = """
import sys, time
held = sys.argv[1]
class Slow:
    def find_spec(self, name, path=None, target=None):
        if name == held:
            print("importing", flush=True)
            time.sleep(60)
sys.meta_path.insert(0, Slow())
from image_assets.__main__ import main
sys.argv[1:] = ["status"]
main()
"""


@pytest.mark.parametrize("module", ["image_assets.cli.main", "image_assets.cli.status"])
def test_ctrl_c_while_a_command_is_imported_is_no_trace(tmp_path: Path, module: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _HELD, module],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A parent that ignores Ctrl-C would have its child ignore it too.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    ) as command:
        assert command.stdout is not None
        assert command.stdout.readline() == "importing\n"
        command.send_signal(signal.SIGINT)
        _, said = command.communicate(timeout=30)
    assert (command.returncode, said) == (130, "interrupted: nothing was begun\n")
