"""How good lists are: one definition a name, computed for every user, with its uncertainty."""
