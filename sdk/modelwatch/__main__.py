"""``python -m modelwatch`` is the ``modelwatch`` command."""

from modelwatch.cli import main

if __name__ == "__main__":
    main()
