"""Numbers that compare and convert as floats do."""
import math
class Num:
    def __init__(self, val, back=()):
        self.val = val
        self.der = 0.0
        self.back = back
    def __float__(self): return float(self.val)
    def __eq__(self, other): return float(self) == float(other)
    def __hash__(self): return id(self)
    def __lt__(self, o): return float(self) < float(o)
    def __bool__(self): return bool(self.val)
    def __add__(self, o):
        if not isinstance(o, Num): o = Num(o)
        return Num(self.val + o.val, ((self, 1.0), (o, 1.0)))
    def __mul__(self, o):
        if not isinstance(o, Num): o = Num(o)
        return Num(self.val * o.val, ((self, o.val), (o, self.val)))
    __radd__ = __add__
    __rmul__ = __mul__
    def __sub__(self, o): return self + (o if isinstance(o, Num) else Num(o)) * -1.0
    def __rsub__(self, o): return Num(o) - self
    def __neg__(self): return Num(0) - self
    def sqrt(self):
        s = math.sqrt(self.val)
        return Num(s, ((self, 0.5 / s),))
    def backward(self):
        order = []
        def visit(n):
            if not any(n is m for m in order):
                for p, _ in n.back: visit(p)
                order.append(n)
        visit(self)
        for n in order: n.der = 0.0
        self.der = 1.0
        for n in reversed(order):
            for p, l in n.back: p.der += n.der * l
