"""The floors: the least that anything of a kind can cost, written with nothing around it."""
