"""The homework: classes with forward, backward, step and zerograd; one example per row."""

import numpy as np


class Transform:
    def forward(self, x):
        raise NotImplementedError

    def backward(self, grad_wrt_out):
        raise NotImplementedError

    def step(self):
        pass

    def zerograd(self):
        pass


class ReLU(Transform):
    def __init__(self, dropout_probability=0):
        self.dropout_probability = dropout_probability

    def forward(self, x, train=True):
        self.mask = (x > 0).astype(float)
        if train:
            self.mask *= np.random.uniform(size=x.shape) >= self.dropout_probability
        else:
            self.mask *= 1 - self.dropout_probability
        return x * self.mask

    def backward(self, grad_wrt_out):
        return grad_wrt_out * self.mask


class LinearMap(Transform):
    def __init__(self, indim, outdim, alpha=0, lr=0.01):
        self.alpha, self.lr = alpha, lr
        bound = np.sqrt(6 / (indim + outdim))
        self.loadparams(np.random.uniform(-bound, bound, (indim, outdim)), np.zeros((1, outdim)))

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, grad_wrt_out):
        self.dW += self.x.T @ grad_wrt_out
        self.db += grad_wrt_out.sum(axis=0, keepdims=True)
        return grad_wrt_out @ self.W.T

    def step(self):
        self.GW = self.alpha * self.GW + self.dW
        self.Gb = self.alpha * self.Gb + self.db
        self.W -= self.lr * self.GW
        self.b -= self.lr * self.Gb

    def zerograd(self):
        self.dW, self.db = np.zeros_like(self.W), np.zeros_like(self.b)

    def getW(self):
        return self.W

    def getb(self):
        return self.b

    def loadparams(self, W, b):
        self.W, self.b = W, b
        self.zerograd()
        self.GW, self.Gb = np.zeros_like(W), np.zeros_like(b)


class SoftmaxCrossEntropyLoss:
    def forward(self, logits, labels):
        shifted = logits - logits.max(axis=1, keepdims=True)
        self.p = np.exp(shifted)
        self.p /= self.p.sum(axis=1, keepdims=True)
        self.labels = labels
        logs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        return -(labels * logs).sum() / len(labels)

    def backward(self):
        return (self.p - self.labels) / len(self.labels)


class SingleLayerMLP(Transform):
    def __init__(self, indim, outdim, hiddenlayer=100, alpha=0.1, lr=0.01):
        self.first = LinearMap(indim, hiddenlayer, alpha, lr)
        self.relu = ReLU()
        self.second = LinearMap(hiddenlayer, outdim, alpha, lr)

    def forward(self, x, train=True):
        return self.second.forward(self.relu.forward(self.first.forward(x), train))

    def backward(self, grad_wrt_out):
        return self.first.backward(self.relu.backward(self.second.backward(grad_wrt_out)))

    def step(self):
        self.first.step()
        self.second.step()

    def zerograd(self):
        self.first.zerograd()
        self.second.zerograd()
