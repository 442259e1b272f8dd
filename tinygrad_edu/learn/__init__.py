"""Learning from data: data sets, and the training loop."""
