"""`python -m image_assets` and the script `image-assets`: from the first moment on Ctrl-C is no trace."""

import os

_INTERRUPTED = 130


def main() -> None:
    """Import the commands, which takes a second, and run what was asked for."""
    try:
        from image_assets.cli.main import main as run
    except KeyboardInterrupt:
        # Half of the libraries are imported: nothing of them may be asked to tidy up.
        os.write(2, b"interrupted: nothing was begun\n")
        os._exit(_INTERRUPTED)
    run()


if __name__ == "__main__":
    main()
