"""What a process says to whoever started it, and hears from those it starts, in the words of systemd.

The protocol is that of sd_notify(3): datagrams of `NAME=value` lines to the
socket that NOTIFY_SOCKET names.
"""
