"""Entry point of the engine: runs the program of the selected stack."""

from stacks.program import main

main()
