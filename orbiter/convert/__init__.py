"""Files of other tools in (environment.yml, invoke.yaml) and out."""
