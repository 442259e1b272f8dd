"""Formulas that people read: text to graph, graph to formulas, formulas made short."""
