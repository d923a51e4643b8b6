#!/bin/bash
# Start JupyterLab with the port of the image.
set -e
exec jupyter lab --ip=127.0.0.1 --no-browser $NOTEBOOK_ARGS "$@"
