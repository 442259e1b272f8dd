"""Functions that are given lists of numbers, and give new lists."""

import math


def gradient_descent(params, grads, lr):
    return [p - lr * g for p, g in zip(params, grads)]


def momentum_step(params, grads, velocities, lr, beta):
    velocities = [beta * v + g for v, g in zip(velocities, grads)]
    return [p - lr * v for p, v in zip(params, velocities)], velocities


def adagrad_step(params, grads, squares, lr, eps):
    squares = [s + g * g for s, g in zip(squares, grads)]
    return [p - lr * g / math.sqrt(s + eps) for p, g, s in zip(params, grads, squares)], squares
