"""Parameters and gradients in two lists of the same order; gradients are written into the arrays that are there."""

import numpy as np


class Affine:
    def __init__(self, n_in, n_out):
        W, b = np.random.randn(n_in, n_out), np.zeros(n_out)
        self.params, self.grads = [W, b], [np.zeros_like(W), np.zeros_like(b)]

    def forward(self, x):
        W, b = self.params
        self.x = x
        return np.dot(x, W) + b

    def backward(self, dout):
        W, b = self.params
        self.grads[0][...] = np.dot(self.x.T, dout) / len(self.x)
        self.grads[1][...] = dout.mean(axis=0)
        return np.dot(dout, W.T)


class MaxPool:
    def __init__(self, kernel_size, stride):
        self.kernel_size, self.stride = kernel_size, stride

    def __call__(self, x):
        self.x, k, s = x, self.kernel_size, self.stride
        count = (x.shape[2] - k) // s + 1
        self.where = {}
        out = np.zeros((*x.shape[:2], count, count))
        for place in np.ndindex(out.shape):
            n, c, i, j = place
            window = x[n, c, i * s:i * s + k, j * s:j * s + k]
            row, column = np.unravel_index(window.argmax(), window.shape)
            self.where[place] = n, c, i * s + row, j * s + column
            out[place] = window.max()
        return out

    def backward(self, dout):
        dx = np.zeros_like(self.x)
        for place, source in self.where.items():
            dx[source] += dout[place]
        return dx


class Softmax:
    def forward(self, x):
        e = np.exp(x - x.max(axis=1, keepdims=True))
        self.y = e / e.sum(axis=1, keepdims=True)
        return self.y

    def backward(self, dout):
        return self.y * (dout - (dout * self.y).sum(axis=1, keepdims=True))
