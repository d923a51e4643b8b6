"""Convert files of other tools: import environment.yml and invoke.yaml, export conda's formats."""
