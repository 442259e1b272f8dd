"""The grader of engines, layers and optimizers that others wrote, and its reports."""
