"""Random numbers by counting: the number belongs to its place, not to how many were drawn before.

A mask of dropout is a function of seed, call, row and leaf, so that however a program is run,
example by example or a whole batch at once, the same units are dropped.
"""

from typing import Any

GOLDEN = 0x9E3779B97F4A7C15             # 2⁶⁴ / golden ratio, odd
WORD = 2 ** 64 - 1


def mixed(word: Any) -> Any:
    """A word of 64 bits whose every bit depends on every bit of the given one.

    The finaliser of SplitMix64: Steele, Lea and Flood, "Fast splittable pseudorandom number
    generators", 2014.
    """
    word = (word ^ word >> 30) * 0xBF58476D1CE4E5B9 & WORD
    word = (word ^ word >> 27) * 0x94D049BB133111EB & WORD
    return word ^ word >> 31


def uniform(seed: int, *place: Any) -> Any:
    """The random number from [0, 1) that belongs to a seed and a place, such as (call, row, leaf).

    Arrays of numpy.uint64 may stand in a place: then it is an array of the numbers that belong to each.

    >>> uniform(0, 1, 2) == uniform(0, 1, 2), uniform(0, 1, 2) == uniform(0, 2, 1)
    (True, False)
    """
    word = mixed(seed & WORD)
    for count in place:
        word = mixed((word ^ count & WORD) + GOLDEN & WORD)
    return (word >> 11) * 2.0 ** -53
