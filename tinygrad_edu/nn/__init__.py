"""Networks: modules, losses, optimizers, and what belongs to them.  Stands on the engine alone."""
