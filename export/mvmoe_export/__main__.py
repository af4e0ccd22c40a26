"""`python -m mvmoe_export` is `mvmoe export`."""

import sys

from mvmoe_deploy.cli import main

main(["export", *sys.argv[1:]])
