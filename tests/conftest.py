"""What all tests need: Ctrl-C, and examples without deadlines."""

import os
import signal

import pytest
from hypothesis import settings

# Ctrl-C reaches the tests even where they run in the background of a shell, which makes processes deaf to it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# A loaded machine makes no test fail.
settings.register_profile("fastgrad", deadline=None)
settings.load_profile("fastgrad")


@pytest.fixture(scope="session")
def thorough():
    """Whether tests of many repetitions or much data do all of it: FASTGRAD_THOROUGH=1."""
    return os.environ.get("FASTGRAD_THOROUGH", "0") != "0"
