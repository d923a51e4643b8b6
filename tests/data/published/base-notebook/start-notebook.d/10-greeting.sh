export STARTED_BY=hook
