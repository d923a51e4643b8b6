"""``python -m orbiter`` and the console script."""

from orbiter.cli.main import main

if __name__ == "__main__":
    main()
