"""Lock sets: their types, their folders under locks/, their inputs and the record of a release."""
