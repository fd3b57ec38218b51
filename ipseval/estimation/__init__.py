"""Regressions on persons x months, their errors, randomisation inference and what is built on them."""
