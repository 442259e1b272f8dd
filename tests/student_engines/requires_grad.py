"""A leaf says `requires_grad=True`, or it gets no gradient; before backward a gradient is None."""


class Tensor:
    def __init__(self, data, requires_grad=False, _parents=(), _grads=()):
        self.data = float(data)
        self.requires_grad = requires_grad or any(p.requires_grad for p in _parents)
        self._parents, self._grads = _parents, _grads
        self.grad = None

    def __add__(self, other):
        other = wrap(other)
        return Tensor(self.data + other.data, False, (self, other), (1.0, 1.0))

    def __mul__(self, other):
        other = wrap(other)
        return Tensor(self.data * other.data, False, (self, other), (other.data, self.data))

    def __pow__(self, n):
        return Tensor(self.data ** n, False, (self,), (n * self.data ** (n - 1),))

    def relu(self):
        return Tensor(self.data if self.data > 0 else 0.0, False, (self,), (float(self.data > 0),))

    def __neg__(self): return self * -1
    def __sub__(self, other): return self + -wrap(other)
    def __truediv__(self, other): return self * wrap(other) ** -1
    def __radd__(self, other): return wrap(other) + self
    def __rsub__(self, other): return wrap(other) - self
    def __rmul__(self, other): return wrap(other) * self
    def __rtruediv__(self, other): return wrap(other) / self

    def backward(self):
        order, seen = [], set()
        self._sort(order, seen)
        for t in order:
            if t._parents or t.grad is None:
                t.grad = 0.0
        self.grad = 1.0
        for t in reversed(order):
            for parent, g in zip(t._parents, t._grads):
                if parent.requires_grad:
                    parent.grad += g * t.grad

    def _sort(self, order, seen):
        if self not in seen and self.requires_grad:
            seen.add(self)
            for parent in self._parents:
                parent._sort(order, seen)
            order.append(self)


def wrap(x):
    return x if isinstance(x, Tensor) else Tensor(x)
