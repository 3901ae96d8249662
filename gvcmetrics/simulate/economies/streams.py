"""Random numbers by component: a part of the economy that is added or drawn longer moves no other."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.random import PCG64, Generator, SeedSequence


class Streams:
    """One generator for each name, the same for the same seed on every machine.

    A stream is PCG64 with a seed sequence whose spawn key is the name's digest, so that it depends on the
    seed and the name and on nothing else.
    """

    def __init__(self, seed: int) -> None:
        self.seed = int(seed)

    def __call__(self, name: str) -> Generator:
        digest = hashlib.sha256(name.encode()).digest()
        key = tuple(int(word) for word in np.frombuffer(digest[:16], dtype="<u4"))
        return Generator(PCG64(SeedSequence(self.seed, spawn_key=key)))
