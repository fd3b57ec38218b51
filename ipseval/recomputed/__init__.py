"""Every table once more, for ``verify``: from cleaned spells on, by code that shares only settings with the stages."""
