"""pip: Python packages, solved by Poetry, uv or pip-tools.

The module manager.py implements resolvers.types.resolver.Resolver; resolve.py locks,
selection.py reads. The lock formats are in poetry_lock.py, uv_lock.py, pip_tools_lock.py,
pyproject.py and build_requirements.py; poetry.py, uv.py and pip_tools.py run the engines.
"""
