"""It never comes back out of one long calculation in C, which no signal interrupts."""


def harm():
    return 10 ** (10 ** 8) == 0
