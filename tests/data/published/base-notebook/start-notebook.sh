#!/bin/bash
# Start JupyterLab with the port of the image.
set -e
read -ra options <<< "$NOTEBOOK_ARGS"
exec jupyter lab --ip=127.0.0.1 --no-browser "${options[@]}" "$@"
