"""``python -m reelway.cli`` is the ``reelway`` command."""

from reelway.cli import main

if __name__ == "__main__":
    main()
