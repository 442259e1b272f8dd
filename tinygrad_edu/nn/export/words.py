"""How PyTorch and JAX write each operation, in one table.

What a library has not, or has with another value or gradient somewhere, is left out: a script writes it by its rule.
In a template {0} and {1} are the inputs, which are rows of numbers where the operation takes rows, and constants stand
by their names.
"""

from collections.abc import Mapping
from typing import NamedTuple

from ...engine import more_ops, ops
from ...engine.op import Op


class Library(NamedTuple):
    """How scripts for a library are written.

    name        what people call it
    templates   {operation: how it is written}
    row         how a row of numbers is written
    stopped     how a number is written through which no gradient goes back
    """

    name: str
    templates: dict[Op, str]
    row: str
    stopped: str

    def word(self, op: Op, inputs: list[str], constants: Mapping[str, float]) -> str:
        """How an operation of some inputs is written."""
        return self.templates[op].format(*inputs, **{name: setting(name, float(x)) for name, x in constants.items()})


def setting(name: str, x: float) -> str:
    """A constant as it is written.  JAX knows of whole exponents alone that x ** 0 has no slope at 0.

    >>> setting("n", 2.0), setting("n", 0.5), setting("slope", 2.0)
    ('2', '0.5', '2.0')
    """
    is_whole = name == "index" or (name == "n" and x.is_integer() and abs(x) <= SMALL)
    return repr(int(x) if is_whole else x)


OPERATORS = {
    ops.add: "{0} + {1}", ops.sub: "{0} - {1}", ops.mul: "{0} * {1}", ops.div: "{0} / {1}", ops.neg: "-{0}",
    ops.identity: "{0}", ops.square: "{0} ** 2", ops.power: "{0} ** {n}", ops.pow: "{0} ** {1}",
    more_ops.reciprocal: "1 / {0}",
}
PLAIN = (ops.abs, ops.sign, ops.sqrt, ops.exp, ops.exp2, ops.expm1, ops.log, ops.log2, ops.log10, ops.log1p, ops.sin,
         ops.cos, ops.tan, ops.sinh, ops.cosh, ops.tanh, ops.maximum, ops.minimum, more_ops.floor, more_ops.ceil,
         more_ops.round, more_ops.logaddexp)                                # called so in both
COMPARED = {ops.greater: ">", ops.less: "<", ops.greater_equal: ">=", ops.less_equal: "<=", ops.equal: "==",
            ops.not_equal: "!="}

TORCH = Library("PyTorch", {
    **OPERATORS,
    **{op: f"torch.{op.name}({', '.join(f'{{{i}}}' for i in range(len(op.inputs)))})" for op in PLAIN},
    **{op: f"({{0}} {sign} {{1}}).double()" for op, sign in COMPARED.items()},
    ops.step: "({0} >= 0).double()",
    ops.atan: "torch.atan({0})", ops.asinh: "torch.asinh({0})", ops.atan2: "torch.atan2({0}, {1})",
    ops.erf: "torch.erf({0})", ops.erfc: "torch.erfc({0})", more_ops.normal_cdf: "torch.special.ndtr({0})",
    more_ops.logit: "torch.logit({0})", more_ops.log_base: "torch.log({0}) / torch.log({1})",
    ops.relu: "torch.relu({0})", ops.sigmoid: "torch.sigmoid({0})", ops.gelu: "functional.gelu({0})",
    ops.leaky_relu: "functional.leaky_relu({0}, {slope})", ops.elu: "functional.elu({0}, {alpha})",
    ops.log_sigmoid: "functional.logsigmoid({0})", ops.softplus: "functional.softplus({0}, threshold=40)",
    ops.silu: "functional.silu({0})", ops.softsign: "functional.softsign({0})",
    ops.clip: "torch.clamp({0}, {low}, {high})", ops.where: "torch.where({0} != 0, {1}, {2})",
    ops.sum: "torch.sum({0})", ops.mean: "torch.mean({0})", ops.prod: "torch.prod({0})", ops.dot: "torch.dot({0}, {1})",
    ops.max: "torch.amax({0}, 0)", ops.min: "torch.amin({0}, 0)", ops.logsumexp: "torch.logsumexp({0}, 0)",
    ops.softmax_cross_entropy: "functional.cross_entropy({0}, {1})", more_ops.norm: "torch.linalg.vector_norm({0})",
    more_ops.softmax_at: "torch.softmax({0}, 0)[{index}]",
    more_ops.log_softmax_at: "torch.log_softmax({0}, 0)[{index}]",
}, "torch.stack([{}])", "{}.detach()")

JAX = Library("JAX", {
    **OPERATORS,
    **{op: f"jnp.{op.name}({', '.join(f'{{{i}}}' for i in range(len(op.inputs)))})" for op in PLAIN},
    **{op: f"jnp.where({{0}} {sign} {{1}}, 1.0, 0.0)" for op, sign in COMPARED.items()},
    ops.abs: "{0} * jnp.sign({0})",                         # the slope of jnp.abs at 0 is 1
    ops.step: "jnp.where({0} >= 0, 1.0, 0.0)",
    ops.cbrt: "jnp.cbrt({0})", ops.atan: "jnp.arctan({0})", ops.asinh: "jnp.arcsinh({0})",
    ops.atan2: "jnp.arctan2({0}, {1})",
    ops.erf: "jax.scipy.special.erf({0})", ops.erfc: "jax.scipy.special.erfc({0})",
    more_ops.normal_cdf: "jax.scipy.stats.norm.cdf({0})", more_ops.logit: "jax.scipy.special.logit({0})",
    more_ops.log_base: "jnp.log({0}) / jnp.log({1})",
    ops.relu: "jax.nn.relu({0})", ops.sigmoid: "jax.nn.sigmoid({0})", ops.gelu: "jax.nn.gelu({0}, approximate=False)",
    ops.leaky_relu: "jnp.where({0} > 0, {0}, {slope} * {0})", ops.elu: "jax.nn.elu({0}, {alpha})",
    ops.log_sigmoid: "jax.nn.log_sigmoid({0})", ops.softplus: "jax.nn.softplus({0})", ops.silu: "jax.nn.silu({0})",
    ops.softsign: "jax.nn.soft_sign({0})",
    ops.clip: "jnp.where({0} < {low}, {low}, jnp.where({0} > {high}, {high}, {0}))",
    ops.where: "jnp.where({0} != 0, {1}, {2})",
    ops.sum: "jnp.sum({0})", ops.mean: "jnp.mean({0})", ops.prod: "jnp.prod({0})", ops.dot: "jnp.dot({0}, {1})",
    ops.max: "jnp.max({0})", ops.min: "jnp.min({0})", ops.logsumexp: "jax.scipy.special.logsumexp({0})",
    ops.softmax_cross_entropy: "-jnp.dot({1}, jax.nn.log_softmax({0}))",
    more_ops.softmax_at: "jax.nn.softmax({0})[{index}]", more_ops.log_softmax_at: "jax.nn.log_softmax({0})[{index}]",
}, "jnp.stack([{}])", "jax.lax.stop_gradient({})")
JUMPING = frozenset((*COMPARED, ops.step, ops.sign))    # beside those that say where they have `jumps`
SMALL = 64                                              # up to it JAX multiplies, and keeps 12 digits
NO_GRADIENT = frozenset((*COMPARED, ops.step))         # PyTorch keeps no graph behind these
