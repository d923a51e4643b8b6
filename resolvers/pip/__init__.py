"""pip: Python packages, solved by Poetry or uv.

The module manager.py implements resolvers.types.Resolver; resolve.py locks, selection.py reads. The
lock formats are in poetry_lock.py, uv_lock.py, pyproject.py and build_requirements.py; poetry.py
and uv.py run the engines.
"""
