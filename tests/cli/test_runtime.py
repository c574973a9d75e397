"""Python's own part of a server's process."""

import subprocess
import sys

import pytest

LEAVES_A_CYCLE = """
from gateway.cli.runtime import leave_all_to_the_end

class Kept:
    def __init__(self) -> None:
        self.itself = self

    def __del__(self) -> None:
        print("collected")

kept = Kept()
"""


@pytest.mark.parametrize(("last", "said"), [("", "collected\n"), ("leave_all_to_the_end()", "")])
def test_what_is_left_goes_with_the_process(last: str, said: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", f"{LEAVES_A_CYCLE}{last}\ndel kept"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == said
