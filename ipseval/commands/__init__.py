"""The commands of `ipseval`."""
