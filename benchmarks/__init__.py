"""The scoreboard: what this library costs in time and memory, beside its peers.

`python -m benchmarks`, run from the repository root, measures and prints tables.
"""
