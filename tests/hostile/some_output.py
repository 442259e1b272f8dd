"""It prints 5 MB, and comes back."""


def harm():
    for _ in range(5000):
        print("x" * 1000)
    return False
