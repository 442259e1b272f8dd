"""Where the numbers of tinygrad_edu/engine/accurate.py come from: `python -m benchmarks.normal_tail` prints them.

    ∫ exp(-t²) dt from x on  =  exp(-x²) / (2 (x + g(x))),    g(0) = 1/√π,  g(∞) = 0

n = x / (x + 2.5) takes all x >= 0 to the numbers from 0 to 1, and g(x) = 1/√π + n p(1 - 2n) with a p that is
nearly a polynomial.  It is found by least squares of the relative error of x + g(x) at Chebyshev's points; these
make the largest error nearly the smallest possible.
"""

from mpmath import mp

DEGREE, MIDDLE, LAST = 23, mp.mpf("2.5"), mp.mpf("28.5")       # from there on, erfc and gelu are 0 to floats


def g(x):
    return mp.exp(-x * x) / (mp.sqrt(mp.pi) * mp.erfc(x)) - x


def points(count):
    """(x, n, the powers of 1 - 2n), so that 1 - 2n is dense at both ends."""
    last = LAST / (LAST + MIDDLE)
    for i in range(count):
        n = last * (1 - mp.cos(mp.pi * (i + mp.mpf(1) / 2) / count)) / 2
        yield MIDDLE * n / (1 - n), n, [(1 - 2 * n) ** k for k in range(DEGREE, -1, -1)]


def coefficients(count=60):
    """Those of p, the highest power first."""
    with mp.workdps(60):
        rows, wanted = [], []
        for x, n, powers in points(count):
            weight = n / (x + g(x))
            rows.append([weight * power for power in powers])
            wanted.append(weight * (g(x) - 1 / mp.sqrt(mp.pi)) / n)
        return [*mp.lu_solve(mp.matrix(rows), mp.matrix(wanted))]


def worst_error(count=500):
    """The largest error of x + g(x), relative to it."""
    with mp.workdps(60):
        p, start = coefficients(), 1 / mp.sqrt(mp.pi)
        return max(abs(start + n * mp.fdot(p, powers) - g(x)) / (x + g(x)) for x, n, powers in points(count))


def in_two(number):
    """The nearest float, and the nearest to what it lacks."""
    with mp.workdps(60):
        return float(number), float(number - mp.mpf(float(number)))


if __name__ == "__main__":
    with mp.workdps(100):
        print("TAIL_COEFFICIENTS", *map(float, coefficients()))
        print("ROOTS", in_two(1 / mp.sqrt(mp.pi)), in_two(1 / mp.sqrt(2 * mp.pi)))
        print("REST_OF_LOG", float(101 * mp.log(2) - 70))
    print("off by at most", mp.nstr(worst_error(), 3))
