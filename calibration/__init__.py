"""Size and coverage of the intervals on simulated trials with a planted truth: ``make calibrate``."""
