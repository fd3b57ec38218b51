"""Counts the twin is built to have: persons by centre and arm, education, sex, country of birth.

Lists run over the centres 1..6; a pair is (control, IPS).
"""

from __future__ import annotations

CONTROL = (18, 31, 35, 13, 18, 28)
IPS = (30, 46, 39, 14, 19, 36)
EMPLOYED_CONTROL = (6, 10, 7, 1, 8, 6)
EMPLOYED_IPS = (6, 12, 9, 2, 9, 5)

# Below upper secondary: (control, IPS); the sums are the first two education columns below.
LOW_EDUCATION = ((5, 8), (22, 32), (23, 26), (5, 8), (14, 13), (12, 17))
# Compulsory only, upper secondary started, completed, higher education.
EDUCATION = (
    (13, 0, 8, 27),
    (54, 0, 18, 5),
    (46, 3, 17, 8),
    (12, 1, 7, 7),
    (24, 3, 9, 1),
    (27, 2, 22, 13),
)
# 26 of 77 prints .34, 39 of 64 prints .61.
FEMALE = ((12, 15), (11, 15), (17, 20), (6, 7), (8, 9), (17, 22))
AGE_MEAN = ((31.1, 32.3), (38.1, 36.9), (33.0, 34.8), (32.9, 35.7), (34.6, 30.8), (33.0, 33.2))
YOUNGEST_CENTRE, OLDEST_CENTRE = (1, 31.8), (2, 37.4)

# Country of birth not known: (control, IPS); then persons born in Norway among the known.
UNKNOWN_BIRTH = ((1, 1), (1, 0), (0, 2), (1, 1), (0, 1), (0, 1))
BORN_IN_NORWAY = (33, 66, 61, 21, 35, 52)

# First and last calendar month of recruitment, 12 * year + month - 1.
RECRUITMENT = (
    (2013 * 12 + 6, 2014 * 12 + 11),
    (2013 * 12 + 1, 2014 * 12 + 9),
    (2013 * 12 + 0, 2014 * 12 + 9),
    (2013 * 12 + 3, 2014 * 12 + 10),
    (2013 * 12 + 0, 2014 * 12 + 8),
    (2013 * 12 + 2, 2014 * 12 + 11),
)

# Subsidised person-months in months 1..12: (control, IPS).
SUBSIDISED = ((0, 0), (0, 10), (7, 21), (1, 2), (3, 10), (3, 25))
