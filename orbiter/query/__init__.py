"""Answers about lock sets: their packages, the reasons for them, newer versions, the state."""
