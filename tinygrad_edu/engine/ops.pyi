"""Written by tests/stubs.py.  Do not change it: say `python tests/stubs.py --write`."""

from .op import OPS as OPS
from .signatures import OpConditionXY, OpRow, OpRowsXT, OpRowsXY, OpX, OpXAlpha, OpXLowHigh, OpXN, OpXOrBase, OpXSlope, OpXY, OpYX

@OpXY
def add(x, y):
    """x + y.

    * f = x + y
    * ∂f/∂x = 1
    * ∂f/∂y = 1
    """

@OpXY
def sub(x, y):
    """x - y.

    * f = x - y
    * ∂f/∂x = 1
    * ∂f/∂y = -1
    """

@OpXY
def mul(x, y):
    """x * y.

    * f = x * y
    * ∂f/∂x = y
    * ∂f/∂y = x
    """

@OpXY
def div(x, y):
    """x / y.

    * f = x / y
    * ∂f/∂x = 1 / y
    * ∂f/∂y = -x / y**2
    """

@OpX
def neg(x):
    """-x.

    * f = -x
    * ∂f/∂x = -1
    """

@OpX
def identity(x):
    """x itself, as a node of its own: what `z = x` makes in an expression, and `+x`.

    * f = x
    * ∂f/∂x = 1
    """

@OpX
def square(x):
    """x², as the product x * x; what `x ** 2` records.

    * f = x**2
    * ∂f/∂x = 2 * x

    >>> square(3.0)
    9.0
    """

@OpXN
def power(x, n):
    """x**n for a number n; negative x needs a whole n.

    * f = x**n
    * ∂f/∂x = n * x**(n - 1)

    >>> power(2.0, n=3)
    8.0
    """

@OpXY
def pow(x, y):
    """x**y where both get a gradient.  Negative x needs a whole y, and has no slope in y.

    * f = x**y
    * ∂f/∂x = y * x**(y - 1)
    * ∂f/∂y = f * log(x)
    """

@OpX
def abs(x):
    """|x|.  At the kink the gradient is 0, the smallest subgradient.

    * f = abs(x)
    * ∂f/∂x = sign(x)
    """

@OpX
def sign(x):
    """1, 0 or -1.

    * f = sign(x)
    * ∂f/∂x = 0
    """

@OpX
def sqrt(x):
    """The square root.  At 0 the slope is infinite.

    * f = sqrt(x)
    * ∂f/∂x = 1 / (2 * f)
    """

@OpX
def cbrt(x):
    """The real cube root, also of negative numbers.  At 0 the slope is infinite.

    * f = cbrt(x)
    * ∂f/∂x = 1 / (3 * f**2)

    >>> cbrt(-8.0)
    -2.0
    """

@OpXY
def hypot(x, y):
    """√(x² + y²), the length of the vector (x, y).  At (0, 0) both gradients are 0.

    * f = sqrt(x**2 + y**2)
    * ∂f/∂x = x / f if f > 0 else 0
    * ∂f/∂y = y / f if f > 0 else 0

    >>> hypot(3.0, 4.0)
    5.0
    """

@OpX
def exp(x):
    """e to the power x.

    * f = exp(x)
    * ∂f/∂x = f
    """

@OpX
def exp2(x):
    """2 to the power x.

    * f = exp2(x)
    * ∂f/∂x = f * log(2)
    """

@OpX
def expm1(x):
    """exp(x) - 1, without losing digits near 0.

    * f = expm1(x)
    * ∂f/∂x = exp(x)
    """

@OpXOrBase
def log(x):
    """The natural logarithm.

    * f = log(x)
    * ∂f/∂x = 1 / x
    """

@OpX
def log2(x):
    """The logarithm to base 2.

    * f = log2(x)
    * ∂f/∂x = 1 / (x * log(2))
    """

@OpX
def log10(x):
    """The logarithm to base 10.

    * f = log10(x)
    * ∂f/∂x = 1 / (x * log(10))
    """

@OpX
def log1p(x):
    """log(1 + x), without losing digits near 0.

    * f = log1p(x)
    * ∂f/∂x = 1 / (1 + x)
    """

@OpX
def sin(x):
    """The sine of x radians.

    * f = sin(x)
    * ∂f/∂x = cos(x)
    """

@OpX
def cos(x):
    """The cosine of x radians.

    * f = cos(x)
    * ∂f/∂x = -sin(x)
    """

@OpX
def tan(x):
    """The tangent of x radians.

    * f = tan(x)
    * ∂f/∂x = 1 + f**2
    """

@OpX
def sinc(x):
    """sin(x) / x, and 1 at 0.

    * f = 1 if x == 0 else sin(x) / x
    * ∂f/∂x = 0 if x == 0 else (cos(x) - f) / x

    >>> sinc(0.0)
    1.0
    """

@OpX
def asin(x):
    """The angle whose sine is x.  At -1 and 1 the slope is infinite.

    * f = asin(x)
    * ∂f/∂x = 1 / sqrt(1 - x**2)
    """

@OpX
def acos(x):
    """The angle whose cosine is x.  At -1 and 1 the slope is infinite.

    * f = acos(x)
    * ∂f/∂x = -1 / sqrt(1 - x**2)
    """

@OpX
def atan(x):
    """The angle whose tangent is x.

    * f = atan(x)
    * ∂f/∂x = 1 / (1 + x**2)
    """

@OpYX
def atan2(y, x):
    """The angle of the point (x, y), from -pi to pi.  No gradient at (0, 0).

    * f = atan2(y, x)
    * ∂f/∂y = x / (x**2 + y**2)
    * ∂f/∂x = -y / (x**2 + y**2)
    """

@OpX
def sinh(x):
    """(exp(x) - exp(-x)) / 2.

    * f = sinh(x)
    * ∂f/∂x = cosh(x)
    """

@OpX
def cosh(x):
    """(exp(x) + exp(-x)) / 2.

    * f = cosh(x)
    * ∂f/∂x = sinh(x)
    """

@OpX
def tanh(x):
    """(exp(x) - exp(-x)) / (exp(x) + exp(-x)).

    * f = tanh(x)
    * ∂f/∂x = 1 - f**2
    """

@OpX
def asinh(x):
    """The number whose sinh is x.

    * f = asinh(x)
    * ∂f/∂x = 1 / sqrt(1 + x**2)
    """

@OpX
def acosh(x):
    """The positive number whose cosh is x.  At 1 the slope is infinite.

    * f = acosh(x)
    * ∂f/∂x = 1 / sqrt(x**2 - 1)
    """

@OpX
def atanh(x):
    """The number whose tanh is x.

    * f = atanh(x)
    * ∂f/∂x = 1 / (1 - x**2)
    """

@OpX
def erf(x):
    """The error function, 2/√pi times the integral of exp(-t²) from 0 to x.

    * f = erf(x)
    * ∂f/∂x = 2 / sqrt(pi) * exp(-x**2)
    """

@OpX
def erfc(x):
    """1 - erf(x), without losing digits where erf(x) is close to 1.

    * f = erfc(x)
    * ∂f/∂x = -2 / sqrt(pi) * exp(-x**2)
    """

@OpX
def gelu(x):
    """x times the chance that a standard normal number is below x.  Hendrycks & Gimpel, 2016.

    * f = x * ((1 + erf(x / sqrt(2))) / 2)
    * ∂f/∂x = (1 + erf(x / sqrt(2))) / 2 + x * (exp(-x**2 / 2) / sqrt(2 * pi))

    >>> gelu(0.0)
    0.0
    """

@OpX
def relu(x):
    """max(x, 0).  At the kink the gradient is 0, the smallest subgradient.

    * f = max(x, 0)
    * ∂f/∂x = 1 if x > 0 else 0

    >>> relu(-1.5), relu(1.5)
    (0.0, 1.5)
    """

@OpXSlope
def leaky_relu(x, slope):
    """x above 0, slope * x below.  0.01 is what most libraries use; the lecture's slope is 0.1.

    * f = x if x > 0 else slope * x
    * ∂f/∂x = 1 if x > 0 else slope

    >>> leaky_relu(-2.0), leaky_relu(-2.0, slope=0.1)
    (-0.02, -0.2)
    """

@OpXAlpha
def elu(x, alpha):
    """x above 0, alpha * (exp(x) - 1) below.

    * f = x if x > 0 else alpha * expm1(x)
    * ∂f/∂x = 1 if x > 0 else alpha * exp(x)
    """

@OpX
def sigmoid(x):
    """1 / (1 + exp(-x)), between 0 and 1.

    * f = 1 / (1 + exp(-x))
    * ∂f/∂x = f * (1 - f)
    """

@OpX
def log_sigmoid(x):
    """log(sigmoid(x)), without ever taking the log of 0.

    * f = -log(1 + exp(-x))
    * ∂f/∂x = sigmoid(-x)
    """

@OpX
def softplus(x):
    """log(1 + exp(x)), a smooth relu.

    * f = log(1 + exp(x))
    * ∂f/∂x = sigmoid(x)
    """

@OpX
def silu(x):
    """x * sigmoid(x), also called swish.

    * f = x * sigmoid(x)
    * ∂f/∂x = sigmoid(x) * (1 + x * (1 - sigmoid(x)))
    """

@OpX
def softsign(x):
    """x / (1 + |x|): a gentler tanh, whose tails flatten like 1/x instead of exp(-2x).

    * f = x / (1 + abs(x))
    * ∂f/∂x = 1 / (1 + abs(x))**2

    >>> softsign(3.0)
    0.75
    """

@OpXY
def maximum(x, y):
    """The larger of two.  Equal ones share the gradient, ½ each.

    * f = max(x, y)
    * ∂f/∂x = 1 if x > y else 1/2 if x == y else 0
    * ∂f/∂y = 1 if y > x else 1/2 if x == y else 0

    >>> maximum(2.0, 3.0)
    3.0
    """

@OpXY
def minimum(x, y):
    """The smaller of two.  Equal ones share the gradient, ½ each.

    * f = min(x, y)
    * ∂f/∂x = 1 if x < y else 1/2 if x == y else 0
    * ∂f/∂y = 1 if y < x else 1/2 if x == y else 0
    """

@OpXLowHigh
def clip(x, low, high):
    """x, but at least low and at most high.  At both ends the gradient is 1.

    * f = min(max(x, low), high)
    * ∂f/∂x = 0 if x < low else 0 if x > high else 1

    >>> clip(2.5, low=0, high=1)
    1.0
    """

@OpConditionXY
def where(condition, x, y):
    """x where the condition is not 0, else y; only the one chosen gets a gradient.

    * f = x if condition != 0 else y
    * ∂f/∂condition = 0
    * ∂f/∂x = 1 if condition != 0 else 0
    * ∂f/∂y = 0 if condition != 0 else 1

    Both are computed before `where` sees them, so log(0) raises even if it is not chosen:
    write log(where(greater(x, 0), x, 1)), not where(greater(x, 0), log(x), 0).

    >>> where(greater(2.0, 1.0), 10.0, 20.0)
    10.0
    """

@OpX
def step(x):
    """0 below 0, and 1 from 0 on.  Its gradient is 0: it jumps at 0, so it has no subgradient there.

    * f = 1 if x >= 0 else 0
    * ∂f/∂x = 0
    """

@OpXY
def greater(x, y):
    """1 if x > y, else 0; a condition for `where`.

    * f = x > y
    * ∂f/∂x = 0
    * ∂f/∂y = 0
    """

@OpXY
def less(x, y):
    """1 if x < y, else 0; a condition for `where`.

    * f = x < y
    * ∂f/∂x = 0
    * ∂f/∂y = 0
    """

@OpXY
def greater_equal(x, y):
    """1 if x >= y, else 0; a condition for `where`.

    * f = x >= y
    * ∂f/∂x = 0
    * ∂f/∂y = 0
    """

@OpXY
def less_equal(x, y):
    """1 if x <= y, else 0; a condition for `where`.

    * f = x <= y
    * ∂f/∂x = 0
    * ∂f/∂y = 0
    """

@OpXY
def equal(x, y):
    """1 if x equals y, else 0; a condition for `where`.

    * f = x == y
    * ∂f/∂x = 0
    * ∂f/∂y = 0
    """

@OpXY
def not_equal(x, y):
    """1 if x and y differ, else 0; a condition for `where`.

    * f = x != y
    * ∂f/∂x = 0
    * ∂f/∂y = 0
    """

@OpRow
def sum(x):
    """The sum of a row, as one node.

    * f = sum(x[i])
    * ∂f/∂x[i] = 1

    >>> sum([1.0, 2.0, 3.5])
    6.5
    """

@OpRow
def mean(x):
    """The average of a row.

    * f = sum(x[i]) / n
    * ∂f/∂x[i] = 1 / n
    """

@OpRow
def prod(x):
    """The product of a row; zeros in it do no harm.

    * f = prod(x[i])
    * ∂f/∂x[i] = prod(x[j] for j != i)
    """

@OpRowsXY
def dot(x, y):
    """The sum of the products of two rows.

    * f = sum(x[i] * y[i])
    * ∂f/∂x[i] = y[i]
    * ∂f/∂y[i] = x[i]

    >>> dot([1.0, 2.0], [3.0, 4.0])
    11.0
    """

@OpRow
def max(x):
    """The largest of a row.  Equal ones share the gradient.

    * f = max(x[i])
    * ∂f/∂x[i] = (1 if x[i] == f else 0) / sum(1 if x[i] == f else 0)

    >>> max([1.0, 3.0, 2.0])
    3.0
    """

@OpRow
def min(x):
    """The smallest of a row.  Equal ones share the gradient.

    * f = min(x[i])
    * ∂f/∂x[i] = (1 if x[i] == f else 0) / sum(1 if x[i] == f else 0)
    """

@OpRow
def logsumexp(x):
    """log(exp(x₁) + ... + exp(xₙ)), in floats computed so that it cannot overflow.

    * f = log(sum(exp(x[i])))
    * ∂f/∂x[i] = exp(x[i]) / sum(exp(x[i]))

    >>> logsumexp([1000.0, 1000.0])
    1000.6931471805599
    """

@OpRowsXT
def softmax_cross_entropy(x, t):
    """-Σ tᵢ log softmax(x)ᵢ: how badly the logits x predict the probabilities t, in one node.

    * f = sum(t[i] * (log(sum(exp(x[i]))) - x[i]))
    * ∂f/∂x[i] = sum(t[i]) * exp(x[i]) / sum(exp(x[i])) - t[i]
    * ∂f/∂t[i] = log(sum(exp(x[i]))) - x[i]

    In floats nothing overflows, and a loss near 0 keeps its digits.  A class with t = 0 may have the logit -inf.

    >>> softmax_cross_entropy([40.0, 0.0, 1.0], [1.0, 0.0, 0.0])
    1.5796578428307375e-17
    """
