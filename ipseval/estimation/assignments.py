"""Assignment re-drawn as it was done, and many assignments of a whole trial in little memory."""

from dataclasses import dataclass, replace

import numpy as np

CHUNK = 200_000  # numbers in a matrix of draws x persons that is drawn at a time: it stays in the cache
BYTE = 8  # draws


@dataclass(frozen=True)
class Assignments:
    """Arms of n persons in every draw: 10,000 draws of 100,000 persons in two arms take 0.13 GB, not 1.

    Parameters
    ----------
    bits : uint8 array, digits x ceil(draws / 8) x n
        Binary digits of the arms' codes, the lowest first, eight draws a byte.
    n_draws : int
    """

    bits: np.ndarray
    n_draws: int

    def __len__(self) -> int:
        """Draws."""
        return self.n_draws

    def __getitem__(self, draws: slice) -> np.ndarray:
        """Arms in consecutive draws, int8, draws x n."""
        start, stop, _ = draws.indices(self.n_draws)
        packed = self.bits[:, start // BYTE : -(-stop // BYTE)]
        digits = np.unpackbits(packed, axis=1)[:, start % BYTE : start % BYTE + stop - start].view(np.int8)
        found = np.ascontiguousarray(digits[0])
        for power in range(1, len(digits)):
            found = found + (digits[power] << power)
        return found

    @property
    def n_persons(self) -> int:
        """Persons."""
        return self.bits.shape[2]

    def of(self, persons: np.ndarray) -> "Assignments":
        """The assignments of some of the persons."""
        return replace(self, bits=self.bits[:, :, persons])

    def beginning_with(self, arm: np.ndarray) -> "Assignments":
        """The same, but the first draw is ``arm``."""
        bits = self.bits.copy()
        bits[:, 0] = bits[:, 0] & 0x7F | _digits(arm, len(bits)) << BYTE - 1
        return replace(self, bits=bits)


def _n_digits(arm: np.ndarray) -> int:
    return max(1, int(arm.max(initial=0)).bit_length())


def _digits(arm: np.ndarray, n_digits: int) -> np.ndarray:
    """Binary digits of codes in a new first axis, the lowest first; uint8."""
    return np.stack([(arm >> power & 1).astype(np.uint8) for power in range(n_digits)])


def draw_assignments(
    arm: np.ndarray, strata: np.ndarray, draws: int, rng: np.random.Generator, moved: np.ndarray | None = None
) -> Assignments:
    """Re-draw assignment: arms permuted within strata, so that each keeps its number of persons in every arm.

    With three arms a test of A against the reference must not move the persons of B: were all permuted, the draws would
    be those of "all three arms are alike", and an effect of B would make A's test reject too often or too seldom.

    # ASSUME: given the numbers in each arm, every assignment within centre x block x stratum was equally likely.

    Parameters
    ----------
    arm : int array, length n
        Arm of each person, as a small code.
    strata : array, length n
        Centre x block x stratum of each person: whatever was randomised by itself.
    draws : int
    rng : Generator
    moved : bool array, length n, optional
        Persons whose arms are permuted; the others keep theirs in every draw. None: everybody's.
    """
    is_moved = np.ones(len(arm), bool) if moved is None else moved
    n_digits = _n_digits(arm)
    bits = np.empty((n_digits, -(-draws // BYTE), len(arm)), np.uint8)
    bits[:, :, ~is_moved] = _digits(np.asarray(arm)[~is_moved], n_digits)[:, None] * 0xFF
    for stratum in np.unique(strata[is_moved]):
        members = np.flatnonzero((strata == stratum) & is_moved)
        own = np.asarray(arm, np.int8)[members]
        n_bytes = max(1, CHUNK // len(members) // BYTE)
        for first in range(0, bits.shape[1], n_bytes):
            size = min(n_bytes * BYTE, draws - first * BYTE)
            drawn = rng.permuted(np.tile(own, (size, 1)), axis=1)
            bits[:, first : first + n_bytes, members] = np.packbits(_digits(drawn, n_digits), axis=1)
    return Assignments(bits, draws)
