"""`python -m image_assets` and the script `image-assets`: from the first moment on Ctrl-C is no trace."""

from image_assets.cli.unbegun import leave_unbegun


def main() -> None:
    """Run what was asked for."""
    try:
        from image_assets.cli.main import main as run
    except KeyboardInterrupt:
        leave_unbegun()
    run()


if __name__ == "__main__":
    main()
