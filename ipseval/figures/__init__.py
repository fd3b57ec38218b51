"""Figures, each with its data."""
