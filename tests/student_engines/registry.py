"""Operations by their names in a table of rules, and a loop in place of recursion."""
import math
GRADIENTS = {}
def register(name):
    def deco(f):
        GRADIENTS[name] = f
        return f
    return deco
class Node:
    def __init__(self, value, op=None, inputs=()):
        self.value = value
        self.op = op
        self.inputs = inputs
        self.adjoint = None
    def __add__(self, other): return add(self, other)
    def __radd__(self, other): return add(other, self)
    def __mul__(self, other): return mul(self, other)
    def __rmul__(self, other): return mul(other, self)
    def __sub__(self, other): return sub(self, other)
    def __rsub__(self, other): return sub(other, self)
    def __truediv__(self, other): return div(self, other)
    def __rtruediv__(self, other): return div(other, self)
    def __neg__(self): return neg(self)
    def __pow__(self, other): return power(self, other)
def wrap(x): return x if isinstance(x, Node) else Node(x)
def primitive(name, f):
    def op(*args):
        args = tuple(wrap(a) for a in args)
        return Node(f(*[a.value for a in args]), name, args)
    op.__name__ = name
    return op
add = primitive("add", lambda a, b: a + b)
mul = primitive("mul", lambda a, b: a * b)
sub = primitive("sub", lambda a, b: a - b)
div = primitive("div", lambda a, b: a / b)
neg = primitive("neg", lambda a: -a)
power = primitive("power", lambda a, b: a ** b)
sin = primitive("sin", math.sin)
cos = primitive("cos", math.cos)
exp = primitive("exp", math.exp)
log = primitive("log", math.log)
tanh = primitive("tanh", math.tanh)
@register("add")
def _(g, out, a, b): return g, g
@register("mul")
def _(g, out, a, b): return g * b.value, g * a.value
@register("sub")
def _(g, out, a, b): return g, -g
@register("div")
def _(g, out, a, b): return g / b.value, -g * out.value / b.value
@register("neg")
def _(g, out, a): return (-g,)
@register("power")
def _(g, out, a, b): return g * b.value * a.value ** (b.value - 1), (g * out.value * math.log(a.value) if a.value > 0 else 0.0)
@register("sin")
def _(g, out, a): return (g * math.cos(a.value),)
@register("cos")
def _(g, out, a): return (g * -math.sin(a.value),)
@register("exp")
def _(g, out, a): return (g * out.value,)
@register("log")
def _(g, out, a): return (g / a.value,)
@register("tanh")
def _(g, out, a): return (g * (1 - out.value ** 2),)
def backprop(node):
    topo, seen = [], set()
    stack = [(node, False)]
    while stack:
        n, done = stack.pop()
        if done:
            topo.append(n)
            continue
        if id(n) in seen: continue
        seen.add(id(n))
        stack.append((n, True))
        for i in n.inputs: stack.append((i, False))
    for n in topo: n.adjoint = 0.0
    node.adjoint = 1.0
    for n in reversed(topo):
        if n.op:
            for i, g in zip(n.inputs, GRADIENTS[n.op](n.adjoint, n, *n.inputs)):
                i.adjoint += g
