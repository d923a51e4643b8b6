"""Faults in lock files that are visible without a network: bytes to findings."""
