import tinygrad_edu as tg

guess = 1.0
for step in range(6):
    x = tg.Value(guess)
    f = x * x - 2
    f.backward()
    print(step, guess)
    guess = guess - f.data / x.grad
