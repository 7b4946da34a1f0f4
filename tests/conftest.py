"""What all tests need: Ctrl-C, and examples without deadlines."""

import signal

from hypothesis import settings

# Ctrl-C reaches the tests even where they run in the background of a shell, which makes processes deaf to it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# A loaded machine makes no test fail.
settings.register_profile("fastgrad", deadline=None)
settings.load_profile("fastgrad")
