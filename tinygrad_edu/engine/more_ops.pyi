"""Written by tests/stubs.py.  Do not change it: say `python tests/stubs.py --write`."""

from .op import OPS as OPS
from .signatures import OpRow, OpRowIndex, OpX, OpXBase, OpXY

@OpX
def reciprocal(x):
    """1 / x, in one node.

    * f = 1 / x
    * ∂f/∂x = -f**2

    >>> reciprocal(4.0)
    0.25
    """

@OpXY
def remainder(x, y):
    """x % y, what x has beyond a whole number of y: of the sign of y, as in Python, NumPy and PyTorch.

    * f = x - y * floor(x / y)
    * ∂f/∂x = 1
    * ∂f/∂y = -floor(x / y)

    It jumps where x / y is a whole number.  C's fmod has the sign of x, and math.remainder is another thing again.

    >>> remainder(7.0, 3.0), remainder(-7.0, 3.0), remainder(7.0, -3.0)
    (1.0, 2.0, -2.0)
    """

@OpXY
def floor_divide(x, y):
    """x // y, the quotient rounded down.  It jumps where x / y is a whole number; its gradients are 0.

    * f = floor(x / y)
    * ∂f/∂x = 0
    * ∂f/∂y = 0

    >>> floor_divide(7.0, 2.0), floor_divide(-7.0, 2.0)
    (3.0, -4.0)
    """

@OpX
def floor(x):
    """The largest whole number that is not above x.  It jumps at every whole number; its gradient is 0.

    * f = floor(x)
    * ∂f/∂x = 0

    >>> floor(2.5), floor(-2.5)
    (2.0, -3.0)
    """

@OpX
def ceil(x):
    """The smallest whole number that is not below x.  It jumps at every whole number; its gradient is 0.

    * f = ceil(x)
    * ∂f/∂x = 0

    >>> ceil(2.5), ceil(-2.5)
    (3.0, -2.0)
    """

@OpX
def round(x):
    """The whole number nearest to x, of two the even one, as Python's round has it.  Its gradient is 0.

    * f = round(x)
    * ∂f/∂x = 0

    It jumps halfway between whole numbers.  For two decimals write round(100 * x) / 100.

    >>> round(0.5), round(1.5), round(2.5), round(-2.7)
    (0.0, 2.0, 2.0, -3.0)
    """

@OpXBase
def log_base(x, base):
    """The logarithm to any base: what log(x, base) records.  A base that is a Value gets its gradient too.

    * f = log(x) / log(base)
    * ∂f/∂x = 1 / (x * log(base))
    * ∂f/∂base = -f / (base * log(base))

    >>> log_base(8.0, 2.0), log(1000.0, 10.0)
    (3.0, 3.0)
    """

@OpXY
def xlogy(x, y):
    """x log(y); but 0 where x is 0, whatever y is: the term of an entropy.

    * f = 0 if x == 0 else x * log(y)
    * ∂f/∂x = 0 if max(abs(x), y) == 0 else log(y)
    * ∂f/∂y = 0 if max(abs(x), y) == 0 else x / y

    At (0, 0) both gradients are 0, so that a probability that became 0 does no harm.

    >>> xlogy(2.0, 1.0), xlogy(0.0, 0.0)
    (0.0, 0.0)
    """

@OpXY
def logaddexp(x, y):
    """log(exp(x) + exp(y)), in floats computed so that it cannot overflow.

    * f = log(exp(x) + exp(y))
    * ∂f/∂x = sigmoid(x - y)
    * ∂f/∂y = sigmoid(y - x)

    >>> logaddexp(1000.0, 1000.0)
    1000.6931471805599
    """

@OpX
def normal_cdf(x):
    """The chance that a standard normal number is below x; far out on both sides it keeps its digits.

    * f = (1 + erf(x / sqrt(2))) / 2
    * ∂f/∂x = exp(-x**2 / 2) / sqrt(2 * pi)

    >>> normal_cdf(0.0), normal_cdf(-20.0)
    (0.5, 2.7536241186062337e-89)
    """

@OpX
def logit(x):
    """log(x / (1 - x)), the number whose sigmoid is x.  At 0 and 1 it is infinite.

    * f = log(x / (1 - x))
    * ∂f/∂x = 1 / (x * (1 - x))

    >>> logit(0.5)
    0.0
    """

@OpRow
def norm(x):
    """√(x₁² + ... + xₙ²), the length of a vector.  Where all are 0 the gradients are 0, the smallest subgradient.

    * f = sqrt(sum(x[i]**2))
    * ∂f/∂x[i] = x[i] / f if f > 0 else 0

    >>> norm([3.0, 4.0])
    5.0
    """

@OpRowIndex
def softmax_at(x, index):
    """exp(x[index]) / (exp(x₁) + ... + exp(xₙ)): one of the numbers that `softmax` gives; the first has the index 0.

    * f = exp(x[index]) / sum(exp(x[i]))
    * ∂f/∂x[i] = f * (1 - f) if i == index else -f * exp(x[i]) / sum(exp(x[i]))
    """

@OpRowIndex
def log_softmax_at(x, index):
    """x[index] - log(exp(x₁) + ... + exp(xₙ)): the logarithm of `softmax_at`; near 0 it keeps its digits in floats.

    * f = x[index] - log(sum(exp(x[i])))
    * ∂f/∂x[i] = 1 - exp(f) if i == index else -exp(x[i]) / sum(exp(x[i]))
    """
