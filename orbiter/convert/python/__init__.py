"""Read the requirements of Python projects: requirements.txt, pyproject.toml and Pipfile."""
