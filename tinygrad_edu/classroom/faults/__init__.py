"""Bug models: small wrong engines, optimizers, trainings and layers, each with the smallest graph that shows it."""
