"""A hand-written backward of PyTorch, checked: what f and grad get are tensors, a module's parameters among them."""

import sys

import fastgrad as fg

try:
    import torch
except ImportError:
    sys.exit("this example needs PyTorch: pip install 'fastgrad[torch]'")


class Swish(torch.autograd.Function):
    """x · sigmoid(x)."""

    @staticmethod
    def forward(ctx, x):
        """The value; x is kept for the slope."""
        ctx.save_for_backward(x)
        return x * torch.sigmoid(x)

    @staticmethod
    def backward(ctx, above):
        """The slope, by hand."""
        (x,) = ctx.saved_tensors
        s = torch.sigmoid(x)
        return above * (s + x * s * (1 - s))


class Careless(Swish):
    """The same, without the second term."""

    @staticmethod
    def backward(ctx, above):
        """The slope, wrong."""
        (x,) = ctx.saved_tensors
        return above * torch.sigmoid(x)


class Net(torch.nn.Module):
    """Two layers, with an activation of our own."""

    def __init__(self, activation):
        super().__init__()
        self.first, self.second = torch.nn.Linear(3, 6), torch.nn.Linear(6, 1)
        self.activation = activation

    def forward(self, inputs):
        """Predictions."""
        return self.second(self.activation(self.first(inputs)))


def check(function):
    """Whether the gradient of a network with this activation is right, in float64."""
    torch.manual_seed(0)
    net = Net(function.apply).double()
    inputs, targets = torch.randn(30, 3).double(), torch.randn(30, 1).double()

    def loss(parameters):
        return ((torch.func.functional_call(net, parameters, inputs) - targets) ** 2).mean()

    def backward(parameters):
        gradients = torch.autograd.grad(loss(parameters), list(parameters.values()))
        return dict(zip(parameters, gradients, strict=True))

    return fg.check_grad(loss, backward, dict(net.named_parameters()))


if __name__ == "__main__":
    print(check(Swish))
    print(check(Careless))
