"""`python -m mvmoe_deploy` is `mvmoe`."""

from mvmoe_deploy.cli import main

main()
