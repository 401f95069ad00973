"""All pairs of 64-bit perceptual hashes within a Hamming distance; none is missed.

Hashes are cut into bands. Two hashes at most `radius` bits apart are close in at least one band, because bands that
are all farther apart add up to more than the radius (pigeonhole; Norouzi, Punjani and Fleet, Fast Exact Search in
Hamming Space With Multi-Index Hashing, 2014). So a band of the query, with few of its bits flipped in every way, is
looked up in a table of the pool's bands, and what is found there is compared in full.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations, pairwise
from math import comb
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

HASH_BITS = 64
Hashes: TypeAlias = npt.NDArray[np.uint64]
"""uint64, one per image."""
Indices: TypeAlias = npt.NDArray[np.int64]

_BANDS = range(3, 9)
_PROBES_AT_ONCE = 1 << 18
_CANDIDATES_AT_ONCE = 1 << 18


@dataclass(frozen=True, slots=True)
class HashPairs:
    """Pairs of a new hash and a hash of the pool.

    Attributes:
        new: index into the new hashes.
        pool: index into the pool.
        bits: uint8, how many bits differ.
    """

    new: Indices
    pool: Indices
    bits: npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class _Band:
    """One band of all hashes of the pool: hashes with the same bits there lie side by side."""

    shift: int
    width: int
    order: npt.NDArray[np.int32]
    hashes: Hashes
    starts: npt.NDArray[np.int32]

    def keys(self, hashes: Hashes) -> npt.NDArray[np.int32]:
        return _keys(hashes, self.shift, self.width)

    def is_near(self, differing: Hashes, reach: int) -> npt.NDArray[np.bool_]:
        """Whether the band alone would have found pairs that differ in these bits."""
        near: npt.NDArray[np.bool_] = np.bitwise_count(self.keys(differing)) <= reach
        return near


class HashPool:
    """Hashes prepared for searches within a radius; 21 to 42 bytes of memory per hash and band."""

    def __init__(self, hashes: Hashes, radius: int) -> None:
        """Prepare the pool; the work grows with `radius`, which is at most 20 bits."""
        self.radius = radius
        self._count = _cheapest_bands(hashes.size, radius)
        self._bands = {shift: _band(hashes, shift, width) for shift, width, _ in _cuts(self._count, radius)}

    def pairs(self, new: Hashes, radius: int | None = None) -> HashPairs:
        """Every pair within the radius of the pool, or within a smaller one, once each, in no order."""
        radius = self.radius if radius is None else radius
        if radius > self.radius:
            raise ValueError(f"the pool is prepared for {self.radius} bits, not {radius}: prepare one for the larger")
        bands = [(self._bands[shift], reach) for shift, _, reach in _cuts(self._count, radius)]
        found = [part for number in range(len(bands)) for part in _found(bands[: number + 1], new, radius)]
        parts = zip(*found, strict=True) if found else ([np.empty(0, np.int64)],) * 2 + ([np.empty(0, np.uint8)],)
        first, second, bits = (np.concatenate(part) for part in parts)
        return HashPairs(first, second, bits)


def _found(
    bands: Sequence[tuple[_Band, int]], new: Hashes, radius: int
) -> Iterator[tuple[Indices, Indices, npt.NDArray[np.uint8]]]:
    """What the last of the bands finds, each with its reach, and those before it do not."""
    *before, (band, reach) = bands
    for which, positions in _candidates(band, reach, new):
        differing = new[which] ^ band.hashes[positions]
        bits = np.bitwise_count(differing)
        near = np.flatnonzero(bits <= radius)
        for earlier, its_reach in before:
            near = near[~earlier.is_near(differing[near], its_reach)]
        yield which[near], band.order[positions[near]].astype(np.int64), bits[near]


def pairs_within(new: Hashes, pool: Hashes, radius: int) -> HashPairs:
    """Every pair of a new hash and one of the pool that differ in at most `radius` of 64 bits, once each."""
    return HashPool(pool, radius).pairs(new)


def turned(hashes: Hashes) -> Iterator[Hashes]:
    """Hashes of the pictures mirrored or turned by quarters, in the seven ways besides upright.

    A pHash holds signs of 8 x 8 cosine frequencies, rows first: mirroring negates the odd ones of one direction, a
    quarter turn also swaps rows and columns. Up to ten bits may be wrong, because the threshold is the median, not 0.
    """
    swapped = _transposed(hashes)
    for base in (hashes, swapped):
        for mask in (0, _ODD_COLUMNS, _ODD_ROWS, _ODD_COLUMNS ^ _ODD_ROWS):
            if mask or base is swapped:
                yield base ^ np.uint64(mask)


_ODD_COLUMNS = 0x5555_5555_5555_5555
_ODD_ROWS = 0x00FF_00FF_00FF_00FF
# Swap single bits, then pairs, then fours across the diagonal (Warren, Hacker's Delight, 7-3).
_SWAPS = ((7, 0x00AA_00AA_00AA_00AA), (14, 0x0000_CCCC_0000_CCCC), (28, 0x0000_0000_F0F0_F0F0))


def _transposed(hashes: Hashes) -> Hashes:
    for shift, mask in _SWAPS:
        moved = (hashes ^ (hashes >> np.uint64(shift))) & np.uint64(mask)
        hashes = hashes ^ moved ^ (moved << np.uint64(shift))
    return hashes


def _candidates(band: _Band, reach: int, new: Hashes) -> Iterator[tuple[Indices, Indices]]:
    """Indices of new hashes and positions in the band that may be pairs, a bounded number at a time."""
    flips = _flips(band.width, reach)
    step = max(1, _PROBES_AT_ONCE // flips.size)
    for start in range(0, new.size, step):
        probes = (band.keys(new[start : start + step])[:, None] ^ flips).ravel()
        first = band.starts[probes]
        counts = band.starts[probes + 1] - first
        hits = np.flatnonzero(counts)
        yield from _expanded(start + hits // flips.size, first[hits], counts[hits])


def _expanded(
    which: Indices, first: npt.NDArray[np.int32], counts: npt.NDArray[np.int32]
) -> Iterator[tuple[Indices, Indices]]:
    ends = np.cumsum(counts, dtype=np.int64)
    total = int(ends[-1]) if ends.size else 0
    cuts = np.unique(np.searchsorted(ends, np.arange(0, total, _CANDIDATES_AT_ONCE), side="right"))
    for start, stop in pairwise([*cuts, counts.size]):
        some = counts[start:stop]
        skipped = first[start:stop] - (ends[start:stop] - ends[start] + counts[start] - some)
        yield np.repeat(which[start:stop], some), np.repeat(skipped, some) + np.arange(some.sum())


def _band(hashes: Hashes, shift: int, width: int) -> _Band:
    keys = _keys(hashes, shift, width)
    order = np.argsort(keys).astype(np.int32)
    starts = np.zeros((1 << width) + 1, dtype=np.int32)
    np.cumsum(np.bincount(keys, minlength=1 << width), out=starts[1:])
    return _Band(shift, width, order, hashes[order], starts)


def _keys(hashes: Hashes, shift: int, width: int) -> npt.NDArray[np.int32]:
    return ((hashes >> np.uint64(shift)) & np.uint64((1 << width) - 1)).astype(np.int32)


def _cuts(bands: int, radius: int) -> Iterator[tuple[int, int, int]]:
    """Shift, width and reach of each band; the bands of a radius smaller than their number do without some."""
    shift = 0
    for number in range(bands):
        width = (HASH_BITS + number) // bands
        # Reach + 1 over all bands is radius + 1: were all bands farther apart, the hashes would be too.
        reach = (radius + 1 + number) // bands - 1
        if reach >= 0:
            yield shift, width, min(reach, width)
        shift += width


def _cheapest_bands(pool: int, radius: int) -> int:
    return min(_BANDS, key=lambda bands: _cost(pool, list(_cuts(bands, radius))))


def _cost(pool: int, cuts: Sequence[tuple[int, int, int]]) -> float:
    """Look-ups and expected comparisons per query."""
    ways = [(sum(comb(width, flipped) for flipped in range(reach + 1)), width) for _, width, reach in cuts]
    return sum((probes + probes * pool / 2**width for probes, width in ways), start=0.0)


@cache
def _flips(width: int, reach: int) -> npt.NDArray[np.int32]:
    """Every number of `width` bits with at most `reach` of them set."""
    bits = (sum(1 << bit for bit in chosen) for few in range(reach + 1) for chosen in combinations(range(width), few))
    return np.fromiter(bits, dtype=np.int32)
