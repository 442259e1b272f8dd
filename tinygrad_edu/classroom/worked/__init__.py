"""The judge of worked steps, written by hand or by another program."""
