import tinygrad_edu as tg

points = [(-1, -1), (0, 1), (2, 5)]
w, b = tg.Value(0.0), tg.Value(0.0)
optimizer = tg.SGD([w, b], lr=0.2)


def loss_of_all():
    return sum((w * x + b - y) ** 2 for x, y in points) / len(points)


for step in range(20):
    loss = loss_of_all()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, round(loss.data, 6))

f = loss_of_all()
print(f"y = {w.data:.3f} x + {b.data:.3f}")
