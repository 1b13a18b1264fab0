"""The same as the `waijiao` command.  Run with: python -m waijiao"""

from waijiao.cli.main import main

main()
