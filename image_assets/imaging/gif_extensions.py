"""Application extensions of a GIF (GIF89a, section 26)."""

_EXTENSION, _APPLICATION = 0x21, 0xFF
_HEADER_BYTES = 13


def find_application_data(data: bytes, name: bytes) -> bytes | None:
    """What the first application extension of this name in front of the first picture holds, its sub-blocks joined."""
    at = _HEADER_BYTES + (3 << ((data[10] & 7) + 1) if data[10] & 0x80 else 0)
    while at + 2 < len(data) and data[at] == _EXTENSION:
        is_application = data[at + 1] == _APPLICATION
        blocks, at = _sub_blocks(data, at + 2)
        if is_application and blocks and blocks[0] == name:
            return b"".join(blocks[1:])
    return None


def _sub_blocks(data: bytes, at: int) -> tuple[list[bytes], int]:
    """The blocks of a chain, and where it ends."""
    blocks = []
    while at < len(data) and data[at]:
        blocks.append(data[at + 1 : at + 1 + data[at]])
        at += 1 + data[at]
    return blocks, at + 1
