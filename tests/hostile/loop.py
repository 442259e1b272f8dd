"""It never comes back."""


def harm():
    while True:
        pass
