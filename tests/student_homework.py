"""Faults of layers and optimizers in the folders student_layers and student_optimizers, and what finds them."""

from student_faults import Fault


def faults(folder, *rows):
    """Rows of (name, file, right, wrong, found by)."""
    return [Fault(*row, folder) for row in rows]


LAYERS = ("transforms.py", "dictionaries.py", "functions.py", "columns.py", "lists.py")

LAYER_FAULTS = faults(
    "student_layers",
    ("W for its transpose", "transforms.py", "return grad_wrt_out @ self.W.T", "return grad_wrt_out @ self.W", {"one-LinearMap", "gradient-LinearMap-x"}),
    ("first row of the gradient of b", "transforms.py", "grad_wrt_out.sum(axis=0, keepdims=True)", "grad_wrt_out[:1]", {"gradient-LinearMap-b"}),
    ("divided by n twice", "transforms.py", "self.x.T @ grad_wrt_out", "self.x.T @ grad_wrt_out / len(self.x)", {"gradient-LinearMap-W"}),
    ("zerograd forgets b", "transforms.py", "self.dW, self.db = np.zeros_like(self.W), np.zeros_like(self.b)", "self.dW, self.db = np.zeros_like(self.W), getattr(self, 'db', np.zeros_like(self.b))", {"twice-LinearMap"}),
    ("+= for W alone", "transforms.py", "self.db += grad_wrt_out", "self.db = grad_wrt_out", {"twice-LinearMap"}),
    ("uphill", "transforms.py", "self.W -= self.lr * self.GW", "self.W += self.lr * self.GW", {"step-LinearMap"}),
    ("relu passes all on", "transforms.py", "return grad_wrt_out * self.mask", "return grad_wrt_out", {"one-ReLU", "gradient-ReLU-x"}),
    ("in place", "transforms.py", "return grad_wrt_out * self.mask", "grad_wrt_out *= self.mask\n        return grad_wrt_out", {"inputs-ReLU"}),
    ("the loss's mean forgotten", "transforms.py", "(self.p - self.labels) / len(self.labels)", "self.p - self.labels", {"gradient-SoftmaxCrossEntropyLoss-x"}),
    ("softmax overflows", "transforms.py", "shifted = logits - logits.max(axis=1, keepdims=True)", "shifted = logits", {"extremes-SoftmaxCrossEntropyLoss"}),
    ("first x kept", "transforms.py", "        self.x = x\n", "        self.x = getattr(self, 'x', x)\n", {"latest-LinearMap"}),
    ("mean for a constant", "dictionaries.py", "(g - by_mean - by_variance)", "(g - by_variance)", {"one-LayerNorm", "gradient-LayerNorm-x"}),
    ("variance for a constant", "dictionaries.py", "(g - by_mean - by_variance)", "(g - by_mean)", {"one-LayerNorm", "gradient-LayerNorm-x"}),
    ("an index once", "dictionaries.py", "np.add.at(self.grads[\"W\"], self.ids, grad)", "self.grads[\"W\"][self.ids] = grad", {"again-Embedding"}),
    ("sigmoid of x", "dictionaries.py", "self.out = 1 / (1 + np.exp(-x))", "self.out = 1 / (1 + np.exp(x))", {"forward-Sigmoid", "one-Sigmoid", "gradient-Sigmoid-x"}),
    ("= for += in pooling", "functions.py", "i * stride + row, j * stride + column] += dout", "i * stride + row, j * stride + column] = dout", {"again-max_pool_forward_naive"}),
    ("= for += in convolution", "functions.py", "dpadded[:, :, rows, columns] +=", "dpadded[:, :, rows, columns] =", {"gradient-conv_forward_naive-x"}),
    ("not divided", "functions.py", "dx / n", "dx", {"gradient-softmax_loss-x"}),
    ("the input forgotten", "columns.py", "return output_gradient * (1 - np.tanh(self.input) ** 2)", "return output_gradient * (1 - self.input ** 2)", {"one-Tanh", "gradient-Tanh-x"}),
    ("bias one example", "columns.py", "output_gradient.sum(axis=1, keepdims=True)", "output_gradient[:, :1]", {"gradient-Dense-bias"}),
    ("half the square", "columns.py", "return 2 * self.error / self.error.size", "return self.error / self.error.size", {"one-MSE", "gradient-MSE-x"}),
    ("gradient not summed", "lists.py", "self.grads[1][...] = dout.mean(axis=0)", "self.grads[1][...] = dout.sum(axis=0)", {"gradient-Affine-params[0]"}),
    ("softmax without the sum", "lists.py", "self.y * (dout - (dout * self.y).sum(axis=1, keepdims=True))", "self.y * (1 - self.y) * dout", {"one-Softmax", "gradient-Softmax-x"}),
)

OPTIMIZERS = ("objects.py", "dictionaries.py", "functions.py", "one_by_one.py", "lists.py")

OPTIMIZER_FAULTS = faults(
    "student_optimizers",
    ("uphill", "objects.py", "p.data -= self.lr * self.v[i]", "p.data += self.lr * self.v[i]", {"first-Momentum"}),
    ("no learning rate", "objects.py", "p.data -= self.lr * p.grad", "p.data -= p.grad", {"first-SGD"}),
    ("v not kept", "objects.py", "self.momentum * self.v[i] + p.grad", "p.grad", {"later-Momentum"}),
    ("no correction", "objects.py", "self.m[i] / (1 - self.betas[0] ** self.t)", "self.m[i]", {"first-Adam"}),
    ("t from 0", "objects.py", "        self.t += 1\n", "", {"first-Adam"}),
    ("t stands still", "objects.py", "self.t += 1", "self.t = 1", {"later-Adam"}),
    ("t of all parameters", "objects.py", "        self.t += 1\n        for i, p in enumerate(self.params):\n", "        for i, p in enumerate(self.params):\n            self.t += 1\n", {"several-Adam"}),
    ("one v for all", "objects.py", "self.v[i] = self.momentum * self.v[i] + p.grad\n            p.data -= self.lr * self.v[i]", "self.v[0] = self.momentum * self.v[0] + p.grad\n            p.data -= self.lr * self.v[0]", {"several-Momentum"}),
    ("+ for Nesterov's -", "dictionaries.py", "- self.momentum * before", "+ self.momentum * before", {"later-Nesterov"}),
    ("not squared", "dictionaries.py", "self.h[key] += grads[key] * grads[key]", "self.h[key] += grads[key]", {"first-AdaGrad"}),
    ("no root", "functions.py", "(np.sqrt(config[\"cache\"]) + config[\"epsilon\"])", "(config[\"cache\"] + config[\"epsilon\"])", {"first-rmsprop"}),
    ("in place", "functions.py", "    return w - config[\"learning_rate\"] * dw, config", "    dw *= config[\"learning_rate\"]\n    return w - dw, config", {"gradients-sgd"}),
    ("both halves the same", "one_by_one.py", "self.beta * self.v + (1 - self.beta) * grad", "self.beta * self.v + self.beta * grad", {"first-MomentumOptimizer"}),
    ("0 / 0", "lists.py", "math.sqrt(s + eps)", "(math.sqrt(s) + 0 * eps)", {"first-adagrad_step"}),
    ("still to be written", "lists.py", "    return [p - lr * g for p, g in zip(params, grads)]", "    pass", {"first-gradient_descent"}),
)
