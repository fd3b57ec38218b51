"""Centres as places: their organisation, the fidelity of their teams and what happened when, from files of the user."""
