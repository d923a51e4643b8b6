#!/bin/bash
# Run the hooks, then the command.
set -e
for hook in /usr/local/bin/before-notebook.d/*.sh; do
    # shellcheck source=/dev/null
    test ! -e "$hook" || . "$hook"
done
exec "$@"
