"""What type checkers refuse: every line below has a mistake, and `mypy --strict` says so.

A stub that says `Any` would let one pass, and then its `type: ignore` is unused, which mypy refuses as well.
"""

import tinygrad_edu as tg
from tinygrad_edu import Value

x, y = Value(2.0), Value(3.0)

# ---- numbers that are none --------------------------------------------------------------------------------

Value("2.0")                                    # type: ignore[arg-type]
Value([2.0])                                    # type: ignore[arg-type]
x.data = "3.0"                                  # type: ignore[assignment]
x + "1"                                         # type: ignore[operator]
"1" * x                                         # type: ignore[operator]
x <= "1"                                        # type: ignore[operator]  # noqa: B015
x ** [2]                                        # type: ignore[operator]
tg.tanh("0.5")                                  # type: ignore[call-overload]
tg.tanh([0.5])                                  # type: ignore[call-overload]
tg.maximum(x, None)                             # type: ignore[call-overload]
tg.sum(["1"])                                   # type: ignore[list-item]
tg.dot([x], "1")                                # type: ignore[list-item, arg-type]

# ---- what would cut the graph --------------------------------------------------------------------------------

float(x)                                        # type: ignore[arg-type]
int(x)                                          # type: ignore[call-overload]
round(x)                                        # type: ignore[call-overload]
number: float = tg.tanh(x)                      # type: ignore[assignment]
number = x * 2                                  # type: ignore[assignment]
x = tg.tanh(0.5)                                # type: ignore[assignment]
numbers: list[float] = tg.softmax([x, y])       # type: ignore[assignment]

# ---- names and arguments that are not there --------------------------------------------------------------------

x.requires_grad                                 # type: ignore[attr-defined]
x.parents = ()                                  # type: ignore[misc]
x.maximum()                                     # type: ignore[call-overload]
x.leaky_relu(slop=0.1)                          # type: ignore[call-arg]
tg.leaky_relu(x, slop=0.1)                      # type: ignore[call-overload]
tg.clip(x, 0.0)                                 # type: ignore[call-overload]
tg.clip(x, x, 1.0)                              # type: ignore[call-overload]
tg.log(x, 2.0, 3.0)                             # type: ignore[call-overload]
tg.softmax_at([x, y])                           # type: ignore[call-overload]
tg.tanh.rools                                   # type: ignore[attr-defined]
tg.sigmoide(x)                                  # type: ignore[attr-defined]

# ---- losses ----------------------------------------------------------------------------------------------------

tg.mse([x], [1.0], reduction="men")             # type: ignore[call-overload]
tg.mse([x], ["1"])                              # type: ignore[arg-type]
tg.mse([x], [1.0], reduction="none").backward() # type: ignore[attr-defined]
tg.huber([x], [1.0], delta="1")                 # type: ignore[call-overload]

# ---- networks and training -------------------------------------------------------------------------------------

model = tg.MLP(2, [3, 2], rng=0)
tg.MLP(2, 3)                                    # type: ignore[arg-type]
tg.fit(model, [[1.0, 2.0]], [1], epoch=3)       # type: ignore[call-arg]
tg.fit(model, [[1.0, 2.0]], [1], patience=0.5)  # type: ignore[arg-type]
tg.fit(tg.tanh, [1.0], [1.0])                   # type: ignore[arg-type]
tg.SGD(model.parameters(), momentun=0.9)        # type: ignore[call-arg]
tg.schedules.OneCycle(0.1)                      # type: ignore[call-arg]
tg.Classifier(hiden=(4,))                       # type: ignore[call-arg]
tg.sweep(tg.MLP, tg.data.xor(9), {}, clients=1)  # type: ignore[call-arg]
model.eval().layer                              # type: ignore[attr-defined]
tg.classroom.bugg("accumulate")                 # type: ignore[attr-defined]

# ---- operations of one's own -----------------------------------------------------------------------------------


@tg.op("x²+1", tg.REAL)
def bowl(a: float) -> tuple[float, tuple[float]]:
    return a * a + 1, (2 * a,)


@tg.op("2x", tg.REAL)                           # type: ignore[arg-type]
def twice(a: float) -> float:
    return 2 * a


bowl(x, y)                                      # type: ignore[call-overload]
bowl("1")                                       # type: ignore[call-overload]
number = bowl(x)                                # type: ignore[assignment]
tg.op("y", 1.0)                                 # type: ignore[call-overload]
