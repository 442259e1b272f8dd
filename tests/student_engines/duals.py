"""Forward mode: a number and its derivative travel together."""

import math


class Dual:
    def __init__(self, real, dual=0.0):
        self.real = real
        self.dual = dual

    def __add__(self, other):
        other = lift(other)
        return Dual(self.real + other.real, self.dual + other.dual)

    def __sub__(self, other):
        other = lift(other)
        return Dual(self.real - other.real, self.dual - other.dual)

    def __mul__(self, other):
        other = lift(other)
        return Dual(self.real * other.real, self.dual * other.real + self.real * other.dual)

    def __truediv__(self, other):
        other = lift(other)
        return Dual(self.real / other.real, (self.dual * other.real - self.real * other.dual) / other.real ** 2)

    def __pow__(self, other):
        if isinstance(other, Dual):
            value = self.real ** other.real
            return Dual(value, other.real * self.real ** (other.real - 1) * self.dual
                        + value * math.log(self.real) * other.dual)
        return Dual(self.real ** other, other * self.real ** (other - 1) * self.dual if other else 0.0)

    def __neg__(self): return Dual(-self.real, -self.dual)
    def __radd__(self, other): return lift(other) + self
    def __rsub__(self, other): return lift(other) - self
    def __rmul__(self, other): return lift(other) * self
    def __rtruediv__(self, other): return lift(other) / self
    def __rpow__(self, other): return lift(other) ** self


def lift(x):
    return x if isinstance(x, Dual) else Dual(x)


def sin(x): return Dual(math.sin(x.real), math.cos(x.real) * x.dual)
def cos(x): return Dual(math.cos(x.real), -math.sin(x.real) * x.dual)
def exp(x): return Dual(math.exp(x.real), math.exp(x.real) * x.dual)
def log(x): return Dual(math.log(x.real), x.dual / x.real)
def tanh(x): return Dual(math.tanh(x.real), (1 - math.tanh(x.real) ** 2) * x.dual)
def relu(x): return Dual(max(0.0, x.real), x.dual if x.real > 0 else 0.0)
