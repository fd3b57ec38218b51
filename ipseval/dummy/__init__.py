"""Deliveries drawn in a cohort file's own form."""
