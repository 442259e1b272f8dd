"""compile(): a function of Values recorded once, then run over whole batches; may be deleted with its folder."""
