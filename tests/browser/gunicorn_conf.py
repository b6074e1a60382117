"""Gunicorn's configuration: quiet, so that its pipe never fills."""

# The worker is ready as soon as it is forked.
preload_app = True
loglevel = "info"
timeout = 120
# It would be one file in the home directory, for every gunicorn of this user.
control_socket_disable = True
