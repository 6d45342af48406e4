"""How the shipped recording is made. Not part of the package: nothing here is imported at run time."""
