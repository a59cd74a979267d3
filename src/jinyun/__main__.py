"""`python -m jinyun`."""

from jinyun.cli.main import main

main()
