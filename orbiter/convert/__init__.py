"""Convert files of other tools: import lists of packages and image sets, export locked packages."""
