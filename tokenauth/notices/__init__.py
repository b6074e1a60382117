"""E-mails to users: a sign-in from a device not seen before, and a refresh token reused.

:mod:`~tokenauth.notices.receivers` hears of both, :mod:`~tokenauth.notices.delivery` decides
whether an e-mail is due and sends it, at once or by a task of the project's queue,
:mod:`~tokenauth.notices.mail` writes it, and :mod:`~tokenauth.notices.links` makes the link in it
and reads it. None of them is on unless ``TOKENAUTH_SECURITY_EMAILS`` says so.

Nothing that fails here fails a login or a refresh.
"""
