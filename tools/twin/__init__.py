"""Synthetic twin of the six-centre trial: persons constructed to have the published tables.

The package never imports the pipeline it tests: it carries its own least squares and its own
clustered variance, so that a shared mistake cannot agree with itself.
"""
