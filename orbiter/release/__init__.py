"""Recording what was built, and comparing a later build with it."""
