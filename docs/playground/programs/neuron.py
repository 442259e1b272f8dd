import tinygrad_edu as tg

x1, x2 = tg.Value(2.0), tg.Value(0.0)
w1, w2 = tg.Value(-3.0), tg.Value(1.0)
b = tg.Value(6.9)

z = w1 * x1 + w2 * x2 + b
f = tg.tanh(z)

f.backward()
print("f =", f.data)
for name, w in ("w1", w1), ("w2", w2), ("b", b):
    print(name, "has the gradient", w.grad)
