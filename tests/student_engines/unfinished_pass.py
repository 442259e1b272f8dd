"""A starter file as it was handed out: the holes are `pass`."""


class Value:
    def __init__(self, data):
        self.data = data
        self.grad = 0.0

    def __add__(self, other):
        return Value(self.data + other.data)

    def __mul__(self, other):
        pass            # to do

    def relu(self):
        pass            # to do

    def backward(self):
        pass            # to do
