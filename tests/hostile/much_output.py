"""It prints without end."""


def harm():
    while True:
        print("x" * 1000)
