"""The application, by the fast clock: the delays are as long as ever, and an hour is a minute."""

from django.core.wsgi import get_wsgi_application

from proofs.guessing import clock
from tokenauth import system

system.now = clock.now
application = get_wsgi_application()
