"""The engine: rules, Values and what reads them.  Needs the standard library only."""
