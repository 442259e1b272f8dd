"""Moons, circles and blobs where scikit-learn is not installed, as in a browser: the same draws, so the same examples.

Its random numbers are those of NumPy's `RandomState`: the Mersenne Twister that Python has too, seeded in another way.
The last digit of a cosine may differ.
"""

import math
from random import Random

Examples = tuple[list[list[float]], list[int]]

WORDS, WORD = 624, 0xFFFFFFFF                   # the twister's state: so many numbers of 32 bits


class RandomState:
    """NumPy's random numbers of a seed.

    >>> round(RandomState(0).normal(1.0), 12)
    1.764052345968
    """

    def __init__(self, seed: int):
        if seed > WORD:
            raise ValueError(f"seed must be at most {WORD}: got {seed}")
        state = [seed]
        for i in range(1, WORDS):
            state.append((1812433253 * (state[-1] ^ (state[-1] >> 30)) + i) & WORD)
        self.source = Random()
        self.source.setstate((3, (*state, WORDS), None))
        self.second: float | None = None

    def normal(self, deviation: float) -> float:
        """A normal number about 0, by the polar method of Marsaglia, 1964: it makes two at a time."""
        if self.second is not None:
            kept, self.second = self.second, None
            return deviation * kept
        x = y = 0.0
        while not 0 < x * x + y * y < 1:
            x, y = 2 * self.source.random() - 1, 2 * self.source.random() - 1
        factor = math.sqrt(-2 * math.log(x * x + y * y) / (x * x + y * y))
        self.second = factor * x
        return deviation * factor * y

    def below(self, most: int) -> int:
        """A whole number from 0 to `most`: bits are drawn until they are none too large."""
        mask = (1 << most.bit_length()) - 1
        found = most + 1
        while found > most:
            found = self.source.getrandbits(32) & mask
        return found

    def shuffled(self, inputs: list[list[float]], targets: list[int]) -> Examples:
        """The examples in an order drawn at random."""
        order = list(range(len(inputs)))
        for i in reversed(range(1, len(order))):
            j = self.below(i)
            order[i], order[j] = order[j], order[i]
        return [inputs[i] for i in order], [targets[i] for i in order]


def make_moons(count: int, noise: float, random_state: int) -> Examples:
    """Two half circles that reach into each other."""
    upper, lower = half_turn(count // 2), half_turn(count - count // 2)
    inputs = [[math.cos(a), math.sin(a)] for a in upper] + [[1 - math.cos(a), 1 - math.sin(a) - 0.5] for a in lower]
    return shaken(inputs, [0] * len(upper) + [1] * len(lower), noise, random_state)


def half_turn(count: int) -> list[float]:
    """Angles at equal distances from 0 to π, both ends included."""
    return [math.pi * i / max(count - 1, 1) for i in range(count)]


def make_circles(count: int, noise: float, factor: float, random_state: int) -> Examples:
    """A ring of radius 1, and another whose radius is `factor`."""
    outer, inner = ([2 * math.pi * i / n for i in range(n)] for n in (count // 2, count - count // 2))
    inputs = [[math.cos(a), math.sin(a)] for a in outer] + [[factor * math.cos(a), factor * math.sin(a)] for a in inner]
    return shaken(inputs, [0] * len(outer) + [1] * len(inner), noise, random_state)


def shaken(inputs: list[list[float]], targets: list[int], noise: float, seed: int) -> Examples:
    """The examples shuffled, each number moved a little."""
    state = RandomState(seed)
    inputs, targets = state.shuffled(inputs, targets)
    return [[x + state.normal(noise) for x in row] for row in inputs], targets


def make_blobs(count: int, centers: int, cluster_std: float, random_state: int) -> Examples:
    """Round clouds about centres drawn at random from -10 to 10."""
    state = RandomState(random_state)
    middles = [[20 * state.source.random() - 10 for _ in "xy"] for _ in range(centers)]
    targets = [i for i in range(centers) for _ in range(count // centers + (i < count % centers))]
    inputs = [[x + state.normal(cluster_std) for x in middles[i]] for i in targets]
    return state.shuffled(inputs, targets)
