"""The scoreboard: what this library costs in time, beside its peers.

`python -m benchmarks`, run from the repository root, measures and prints one table.
"""
