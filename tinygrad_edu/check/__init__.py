"""Is a gradient right?  What rules store, held against what they compute."""
