"""A network with one hidden layer, trained with numpy: it is so small that nothing else is needed."""

from dataclasses import dataclass

import numpy as np

BATCH = 512
LEARNING_RATE = 1e-3
DECAY = 1e-3  # of the weights, for each batch, shared by its rows
NOISE = 0.3  # standard deviations, that is added to each number: so small a network learns voices by heart without
WARM_SHARE = 0.5  # of the steps with the full learning rate, which then falls to almost nothing
FIRST_MOMENT, SECOND_MOMENT, EPSILON = 0.9, 0.999, 1e-8  # of Adam


@dataclass
class Network:
    """Weights and biases of both layers."""

    parameters: list[np.ndarray]  # hidden [inputs, units], its bias, output [units, classes], its bias

    def log_probabilities(self, rows: np.ndarray) -> np.ndarray:
        scores: np.ndarray = self.units(rows) @ self.parameters[2] + self.parameters[3]
        scores -= scores.max(axis=1, keepdims=True)
        scores -= np.log(np.exp(scores).sum(axis=1, keepdims=True))
        return scores

    def units(self, rows: np.ndarray) -> np.ndarray:
        units: np.ndarray = np.maximum(rows @ self.parameters[0] + self.parameters[1], 0)
        return units

    def gradients(self, rows: np.ndarray, labels: np.ndarray) -> list[np.ndarray]:
        """Of the cross entropy with the labels."""
        hidden, _, output, _ = self.parameters
        units = self.units(rows)
        errors = np.exp(self.log_probabilities(rows))
        errors[np.arange(len(rows)), labels] -= 1
        errors /= len(rows)
        unit_errors = (errors @ output.T) * (units > 0)
        decay = DECAY / len(rows)
        return [
            rows.T @ unit_errors + decay * hidden,
            unit_errors.sum(axis=0),
            units.T @ errors + decay * output,
            errors.sum(axis=0),
        ]


def train_network(rows: np.ndarray, labels: np.ndarray, units: int, classes: int, epochs: int) -> Network:
    """`rows` [rows, inputs], standardised; `labels` [rows]. The same input gives the same network."""
    random = np.random.default_rng(0)
    sizes = ((rows.shape[1], units), (units, classes))
    parameters = []
    for inputs, outputs in sizes:
        parameters.append(random.normal(0, np.sqrt(2 / inputs), (inputs, outputs)).astype(np.float32))
        parameters.append(np.zeros(outputs, np.float32))
    network = Network(parameters)
    moments = [(np.zeros_like(each), np.zeros_like(each)) for each in parameters]
    steps = epochs * -(-len(rows) // BATCH)
    step = 0
    for _ in range(epochs):
        order = random.permutation(len(rows))
        for start in range(0, len(rows), BATCH):
            batch = order[start : start + BATCH]
            step += 1
            rate = LEARNING_RATE * min(1.0, (1 - step / steps) / (1 - WARM_SHARE) + 0.02)
            noise = NOISE * random.standard_normal((len(batch), rows.shape[1]), np.float32)
            adjust(network, moments, network.gradients(rows[batch] + noise, labels[batch]), step, rate)
    return network


def adjust(
    network: Network,
    moments: list[tuple[np.ndarray, np.ndarray]],
    gradients: list[np.ndarray],
    step: int,
    rate: float,
) -> None:
    """One step of Adam."""
    for parameter, (first, second), gradient in zip(network.parameters, moments, gradients, strict=True):
        first += (1 - FIRST_MOMENT) * (gradient - first)
        second += (1 - SECOND_MOMENT) * (np.square(gradient) - second)
        corrected = np.sqrt(second / (1 - SECOND_MOMENT**step)) + EPSILON
        parameter -= rate * (first / (1 - FIRST_MOMENT**step)) / corrected
