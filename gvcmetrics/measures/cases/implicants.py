"""Boolean minimisation: prime implicants, and the smallest sets of them that cover what is to be explained.

A cube is a pair of integers: which conditions it fixes, and what they are fixed to, one bit a condition.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

Cube = tuple[int, int]


def covers(cube: Cube, row: int) -> bool:
    """Whether a row of the truth table lies in the cube."""
    fixed, values = cube
    return row & fixed == values


def prime_implicants(rows: Iterable[int], width: int) -> set[Cube]:
    """The largest cubes that lie within the rows (Quine 1952; McCluskey 1956).

    Parameters
    ----------
    rows : rows of the truth table, as integers of `width` bits.
    width : number of conditions.
    """
    level = {((1 << width) - 1, row) for row in rows}
    primes: set[Cube] = set()
    while level:
        merged: set[Cube] = set()
        used: set[Cube] = set()
        for fixed, values in level:
            for bit in (1 << place for place in range(width)):
                if fixed & bit and (fixed, values ^ bit) in level:
                    used.add((fixed, values))
                    merged.add((fixed & ~bit, values & ~bit))
        primes |= level - used
        level = merged
    return primes


def minimal_covers(primes: Iterable[Cube], rows: Sequence[int]) -> list[frozenset[Cube]]:
    """Every choice of as few primes as possible that covers all rows (Petrick 1956)."""
    useful = sorted(prime for prime in primes if any(covers(prime, row) for row in rows))
    by_row = {row: [prime for prime in useful if covers(prime, row)] for row in rows}
    for size in range(1, len(rows) + 1):
        found: set[frozenset[Cube]] = set()
        _search(by_row, frozenset(), size, found)
        if found:
            return sorted(found, key=sorted)
    return []


def _search(
    by_row: dict[int, list[Cube]], chosen: frozenset[Cube], left: int, found: set[frozenset[Cube]]
) -> None:
    open_rows = {row: primes for row, primes in by_row.items() if not chosen & set(primes)}
    if not open_rows:
        found.add(chosen)
    elif left:
        # The row that fewest primes cover branches least.
        for prime in min(open_rows.values(), key=len):
            _search(by_row, chosen | {prime}, left - 1, found)
