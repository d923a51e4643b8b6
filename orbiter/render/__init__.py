"""From locked packages to the build folder that Docker receives. Pure.

The text is in templates/.
"""
