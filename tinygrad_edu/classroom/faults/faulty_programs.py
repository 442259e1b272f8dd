"""Wrong trainings, optimizers and layers: each is a program of `programs.py` with one method otherwise."""

from .model import bug_model
from .programs import (
    Adam,
    Clipping,
    Descent,
    Embedding,
    LayerNorm,
    Momentum,
    RunningLoss,
    Softmax,
    TiedWeights,
)
from .small import Value

# ---- training ----------------------------------------------------------------------------------------


@bug_model("backward adds to what is there. What is there at the second step?")
class NoZeroGrad(Descent):
    """gradients of earlier steps are never cleared"""

    def zero_grad(self):
        pass


@bug_model("Which numbers did not move at all?")
class BiasNotUpdated(Descent):
    """the bias is left out of the parameters"""

    def parameters(self):
        return [self.w]


@bug_model("At which w was the loss computed that the second step goes down?")
class StaleLoss(Descent):
    """the loss is computed once, before the steps, and never again"""

    def loss(self):
        self.first = getattr(self, "first", None) or super().loss()
        return self.first


@bug_model("Is what the optimizer moves the same object that the loss is made of?")
class StaleParameters(Descent):
    """the optimizer moves copies of the parameters"""

    def parameters(self):
        return [Value(self.w.data), Value(self.b.data)]


@bug_model("What does a sum of nodes hold on to?")
class LossKept(RunningLoss):
    """losses are added up with their graphs, which are kept alive"""

    def add(self, total, loss):
        return total + loss


@bug_model("How does a clipped number change when what is clipped changes a little?")
class ClipLoss(Clipping):
    """the loss is clipped, not its gradient"""

    def gradient(self, w, loss):
        loss.apply("clip", loss, low=-1, high=1).backward()
        return w.grad


# ---- optimizers --------------------------------------------------------------------------------------


@bug_model("Does the gradient point uphill or downhill?")
class PlusLr(Momentum):
    """+ lr · gradient, which goes uphill"""

    def moved(self, w, v):
        return w + self.lr * v


@bug_model("What does the second step know of the first one?")
class MomentumNotKept(Momentum):
    """the velocity starts from 0 at every step"""

    def velocity(self, v, grad):
        return grad


@bug_model("An average that starts at 0: how large is it after one step?")
class AdamNotCorrected(Adam):
    """Adam without the correction of its averages"""

    def corrected(self, average, beta, time):
        return average


@bug_model("What is 1 - β⁰?")
class AdamFromZero(Adam):
    """Adam counts its steps from 0"""

    def time(self, step):
        return step


@bug_model("Whose gradients are in the average that moves b?")
class AdamShared(Adam):
    """all parameters share one pair of averages"""

    def memory(self, name):
        return super().memory("all")


# ---- layers ------------------------------------------------------------------------------------------


@bug_model("Add 1 to every input: what should the result do? So what is the sum of the gradients?")
class LayerNormMean(LayerNorm):
    """layer normalisation: the mean is taken for a constant"""

    def mean(self, xs):
        return Value(super().mean(xs).data)


@bug_model("Double every distance from the mean: what should the result do? What do the gradients say?")
class LayerNormVariance(LayerNorm):
    """layer normalisation: the variance is taken for a constant"""

    def variance(self, moved):
        return Value(super().variance(moved).data)


@bug_model("Row 0 is looked up twice. How often does it receive a gradient?")
class RepeatedIndex(Embedding):
    """= instead of += where an index comes twice"""

    def receive(self, index, upstream):
        self.grad[index] = upstream


@bug_model("When w grows, which of the two places changes?")
class TiedOnce(TiedWeights):
    """tied weights: the second place has a copy, which hands no gradient back"""

    def exit_weight(self):
        return Value(self.w.data)


@bug_model("How large is e^1000? Does softmax change when every logit falls by 1000?")
class SoftmaxUnstable(Softmax):
    """softmax without the largest logit subtracted"""

    def shifted(self, logits):
        return logits
