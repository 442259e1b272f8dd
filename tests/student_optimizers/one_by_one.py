"""`update(w, grad)` returns the new weight; every weight has an optimizer of its own."""

import numpy as np


class MomentumOptimizer:
    def __init__(self, learning_rate, beta=0.9):
        self.learning_rate, self.beta, self.v = learning_rate, beta, 0.0

    def update(self, w, grad):
        self.v = self.beta * self.v + (1 - self.beta) * grad
        return w - self.learning_rate * self.v


class AdamOptimizer:
    def __init__(self, learning_rate=0.001, beta1=0.9, beta2=0.999, epsilon=1e-8):
        self.learning_rate, self.beta1, self.beta2, self.epsilon = learning_rate, beta1, beta2, epsilon
        self.m, self.v, self.t = 0.0, 0.0, 0

    def update(self, w, grad):
        self.t += 1
        self.m = self.beta1 * self.m + (1 - self.beta1) * grad
        self.v = self.beta2 * self.v + (1 - self.beta2) * grad ** 2
        rate = self.learning_rate * np.sqrt(1 - self.beta2 ** self.t) / (1 - self.beta1 ** self.t)
        return w - rate * self.m / (np.sqrt(self.v) + self.epsilon)
