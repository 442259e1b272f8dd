import tinygrad_edu as tg


def power(x, n):
    if n == 1:
        return x
    half = power(x * x, n // 2)
    return half * x if n % 2 else half


x = tg.Value(1.5)
f = power(x, 5)

f.backward()
print("f =", f.data)
print("x.grad =", x.grad)
