"""Invented trials."""
