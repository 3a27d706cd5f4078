"""Jets and their Jacobian against automatic differentiation."""

import math

import pytest
import torch

from residuum.surrogates.jets import Network, input_jets


def _plain(network, theta, x):
    """The same network in plain torch operations, for autograd: one weight vector, `x[n, i]`."""
    for layer in network.layers:
        W = theta[layer.start : layer.biases].reshape(layer.inputs, layer.outputs)
        x = x @ W + theta[layer.biases : layer.stop]
        x = x if layer.linear else torch.tanh(x)
    return x


def _along(function, x, direction, order):
    """Taylor coefficients of `function(x + a*direction)` in `a`, by nested autograd."""

    def derivative(f):
        return lambda a: torch.func.jvp(f, (a,), (torch.ones_like(a),))[1]

    f = lambda a: function(x + a * direction)  # noqa: E731
    coefficients = []
    for k in range(order + 1):
        coefficients.append(f(torch.zeros((), dtype=torch.float64)) / math.factorial(k))
        f = derivative(f)
    return coefficients


@pytest.fixture
def case():
    generator = torch.Generator().manual_seed(3)
    network = Network((2, 5, 3, 4, 2), linear=frozenset({1}))
    theta = network.initial((2, 3), generator)
    x = torch.randn(2, 3, 6, 2, generator=generator, dtype=torch.float64)
    directions = torch.randn(3, 2, generator=generator, dtype=torch.float64)
    return network, theta, x, directions, generator


@pytest.mark.parametrize("order", [0, 1, 2, 3, 4])
def test_forward_matches_autograd(case, order):
    network, theta, x, directions, _ = case
    output = network.forward(theta, input_jets(x, directions, order), order).output
    for b in range(2):
        for e in range(3):
            f = lambda q, b=b, e=e: _plain(network, theta[b, e], q)  # noqa: E731
            for d in range(3):
                expected = _along(f, x[b, e], directions[d], order)
                found = [output[b, e, 0]] + [
                    output[b, e, 1 + 3 * (k - 1) + d] for k in range(1, order + 1)
                ]
                for one, other in zip(found, expected, strict=True):
                    torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("order", [0, 1, 2, 4])
def test_jacobian_and_gradients_match_autograd(case, order):
    network, theta, x, directions, generator = case
    jets = input_jets(x, directions, order)
    tape = network.forward(theta, jets, order)
    shape = (2, 3, 2, *tape.output.shape[2:])
    g = torch.randn(shape, generator=generator, dtype=torch.float64)
    J, to_inputs = network.linearise(tape, g)
    total = network.gradient(tape, g)
    torch.testing.assert_close(total, J.sum(-2), rtol=1e-11, atol=1e-11)
    torch.testing.assert_close(network.input_gradient(tape, g), to_inputs)
    b, e, r, n = 1, 2, 1, 4

    def functional(weights, point):
        coefficients = [
            _along(lambda q: _plain(network, weights, q), point, v, order) for v in directions
        ]
        value = (g[b, e, r, 0, n] * coefficients[0][0]).sum()
        for d in range(3):
            for k in range(1, order + 1):
                value = value + (g[b, e, r, 1 + 3 * (k - 1) + d, n] * coefficients[d][k]).sum()
        return value

    expected = torch.func.jacrev(functional)(theta[b, e], x[b, e, n])
    torch.testing.assert_close(J[b, e, r, n], expected, rtol=1e-12, atol=1e-12)
    expected = torch.func.jacrev(functional, argnums=1)(theta[b, e], x[b, e, n])
    torch.testing.assert_close(to_inputs[b, e, r, 0, n], expected, rtol=1e-11, atol=1e-11)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cuda_agrees_with_cpu(case):
    network, theta, x, directions, _ = case
    jets = input_jets(x, directions, 2)
    here = network.forward(theta, jets, 2)
    there = network.forward(theta.cuda(), jets.cuda(), 2)
    torch.testing.assert_close(there.output.cpu(), here.output, rtol=1e-12, atol=1e-12)
    g = torch.ones_like(here.output).unsqueeze(2)
    J = network.jacobian(there, g.cuda()).cpu()
    torch.testing.assert_close(J, network.jacobian(here, g), rtol=1e-11, atol=1e-11)
