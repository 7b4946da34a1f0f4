"""Ctrl-C reaches the tests even where they run in the background of a shell, which makes processes deaf to it."""

import signal

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
