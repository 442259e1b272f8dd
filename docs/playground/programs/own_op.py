import tinygrad_edu as tg


@tg.op("x²+1", tg.REAL)
def bowl(x):
    return x * x + 1, (2 * x,)


x, y = tg.Value(3.0), tg.Value(-1.0)
f = bowl(x * y) + y

f.backward()
print("f =", f.data)
print("x.grad =", x.grad)
print(tg.gradcheck(lambda x, y: bowl(x * y) + y, [x, y]))
