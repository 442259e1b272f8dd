"""Parameters and gradients in dicts; every pass replaces the gradients."""

import numpy as np


class Dense:
    def __init__(self, input_size, output_size):
        self.params = {"W": np.random.randn(output_size, input_size) * 0.1, "b": np.zeros(output_size)}
        self.grads = {}

    def forward(self, inputs):
        self.inputs = inputs
        return inputs @ self.params["W"].T + self.params["b"]

    def backward(self, grad):
        self.grads["W"] = grad.T @ self.inputs
        self.grads["b"] = np.sum(grad, axis=0)
        return grad @ self.params["W"]


class LayerNorm:
    def __init__(self, dim, eps=1e-5):
        self.params = {"gamma": np.ones(dim), "beta": np.zeros(dim)}
        self.grads = {}
        self.eps = eps

    def forward(self, x):
        centred = x - x.mean(axis=-1, keepdims=True)
        self.std = np.sqrt((centred ** 2).mean(axis=-1, keepdims=True) + self.eps)
        self.y = centred / self.std
        return self.params["gamma"] * self.y + self.params["beta"]

    def backward(self, grad):
        self.grads["gamma"] = (grad * self.y).sum(axis=0)
        self.grads["beta"] = grad.sum(axis=0)
        g = grad * self.params["gamma"]
        by_mean = g.mean(axis=-1, keepdims=True)
        by_variance = self.y * (g * self.y).mean(axis=-1, keepdims=True)
        return (g - by_mean - by_variance) / self.std


class Embedding:
    def __init__(self, vocab_size, embedding_dim):
        self.params = {"W": np.random.randn(vocab_size, embedding_dim)}
        self.grads = {}

    def forward(self, ids):
        self.ids = ids
        return self.params["W"][ids]

    def backward(self, grad):
        self.grads["W"] = np.zeros_like(self.params["W"])
        np.add.at(self.grads["W"], self.ids, grad)


class Sigmoid:
    def forward(self, x):
        self.out = 1 / (1 + np.exp(-x))
        return self.out

    def backward(self, grad):
        return grad * self.out * (1 - self.out)
