"""What a learning rate came to: good, too low, too high or exploding.

One rule for all who ask: `plots.learning_rates`, which draws descents on a function, and
`check_training`, which tries rates on a network.
"""

from collections.abc import Mapping, Sequence


def verdicts(losses: Mapping[float, Sequence[float]], noise: float = 0.0) -> dict[float, str]:
    """{rate: "good", "too low", "too high" or "exploding"}, from the losses that each rate led to.

    losses   for each rate the loss at the start, then after each step or epoch; the start is the same for all
    noise    a change of the loss that means nothing

    The fall of a rate is how far down it took the loss, from the start to the end.

    good        its fall is at least nine tenths of the way down to its own lowest loss, so it does not
                bounce, and at least nine tenths of the largest such fall
    exploding   the loss ends further above the start than the best rate takes it below, or is not finite
    too high    any other rate above a good one
    too low     any other rate below the good ones

    If no rate is good, one is too high where the loss rose on the way, and too low where it did not.

    >>> verdicts({0.01: [4.0, 3.9], 0.4: [4.0, 0.2], 1.0: [4.0, 4.0], 1.5: [4.0, 9.0]})
    {0.01: 'too low', 0.4: 'good', 1.0: 'too high', 1.5: 'exploding'}
    """
    falls = {rate: seen[0] - seen[-1] for rate, seen in losses.items()}
    steady = [rate for rate, seen in losses.items() if falls[rate] > max(noise, 0.9 * (seen[0] - min(seen)))]
    largest = max([noise, *[falls[rate] for rate in steady]])
    good = [rate for rate in steady if falls[rate] >= 0.9 * largest]

    def verdict(rate: float, seen: Sequence[float]) -> str:
        if not -falls[rate] <= largest:                 # also where it is nan
            return "exploding"
        if good:
            return "good" if rate in good else "too high" if rate > min(good) else "too low"
        return "too high" if max(seen[1:]) >= seen[0] + noise or seen[-1] > min(seen) + noise else "too low"
    return {rate: verdict(rate, seen) for rate, seen in losses.items()}
