"""`python -m matcher`: the command, where its script is not on the path."""

from matcher.cli import main

main()
