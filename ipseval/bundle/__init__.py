"""What goes with a release: texts for the output checker, checklists, the crate."""
