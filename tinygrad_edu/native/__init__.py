"""The engine once more, in C.  The folder may be deleted: everything still runs, only slower."""
