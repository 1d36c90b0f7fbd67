"""What the tests that start processes share."""

import signal


def heed_ctrl_c():
    """For a child: Ctrl-C ends it, although a shell ignores it for commands in the background."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
