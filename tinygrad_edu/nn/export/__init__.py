"""Models and graphs for others: as PyTorch's own modules, and as scripts that assert themselves."""
