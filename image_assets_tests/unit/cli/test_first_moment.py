"""What a command says when it is interrupted before it has begun."""

import signal
import subprocess
import sys
from pathlib import Path

_HELD = """
import sys, time
class Slow:
    def find_spec(self, name, path=None, target=None):
        if name == "image_assets.cli.main":
            print("importing", flush=True)
            time.sleep(60)
sys.meta_path.insert(0, Slow())
from image_assets.__main__ import main
main()
"""


def test_ctrl_c_while_commands_are_imported_is_no_trace(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _HELD],
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
