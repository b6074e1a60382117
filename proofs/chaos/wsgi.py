"""The server's application: Django, with faults."""

from django.core.wsgi import get_wsgi_application

from proofs.chaos.faults import install, with_faults

install()
application = with_faults(get_wsgi_application())
