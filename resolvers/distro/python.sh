#!/bin/sh
# Print the version and the path of the first python3 on PATH, or nothing if there is none.
python3 -c 'import platform, sys; print("python", platform.python_version()); print("interpreter", sys.executable)' \
    2>/dev/null || true
