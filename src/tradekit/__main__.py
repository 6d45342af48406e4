"""`python -m tradekit`."""

from tradekit.cli.main import main

if __name__ == "__main__":
    main()
