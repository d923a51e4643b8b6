"""From locked packages to the build folder that Docker gets. Pure.

The text lives in templates/.
"""
