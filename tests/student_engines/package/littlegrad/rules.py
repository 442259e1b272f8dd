import math


def add(a, b): return a + b, 1.0, 1.0
def sub(a, b): return a - b, 1.0, -1.0
def mul(a, b): return a * b, b, a
def div(a, b): return a / b, 1 / b, -a / b ** 2
def exp(a): return math.exp(a), math.exp(a)
def tanh(a): return math.tanh(a), 1 - math.tanh(a) ** 2
