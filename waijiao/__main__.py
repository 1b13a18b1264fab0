"""The same as the `waijiao` command.  Run with: python -m waijiao"""

from waijiao.command import main

main()
