import tinygrad_edu as tg

x = tg.Value(0.5)
f = x
for _ in range(3):
    f = f * x + 1

f.backward()
print("f =", f.data)
print("x.grad =", x.grad)
