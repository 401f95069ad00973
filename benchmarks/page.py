"""The page of results: each benchmark replaces what stands between its two markers."""

from pathlib import Path


def write_section(path: Path, markers: tuple[str, str], section: str) -> None:
    """Leave the rest of the page alone; append the section where the markers are not there yet."""
    page = path.read_text() if path.exists() else "# Benchmarks\n"
    if markers[0] not in page:
        page = f"{page.rstrip()}\n\n{markers[0]}\n{markers[1]}\n"
    before, _, rest = page.partition(markers[0])
    after = rest.partition(markers[1])[2]
    path.write_text(f"{before}{markers[0]}\n{section}\n{markers[1]}{after}")
