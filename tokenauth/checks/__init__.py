"""System checks: every wrong setting has a number, and stops the server.

Each module is a subject, with all that its checks can say at the top. ``CHECKS`` are applied by
every management command and, through the middleware, whenever a server starts; ``DEPLOY_CHECKS``
by ``manage.py check --deploy``: what they refuse may be right on a developer's machine.

No check raises, whatever is in a setting.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from django.core.checks import CheckMessage

from tokenauth.checks import (
    addresses,
    clients,
    cookies,
    ending,
    guessing,
    keys,
    lifetimes,
    mounts,
    notices,
    privacy,
    project,
    second_step,
    throttling,
)

__all__ = ["CHECKS", "DEPLOY_CHECKS"]

Check = Callable[..., Sequence[CheckMessage]]

CHECKS: tuple[Check, ...] = (
    project.check_setting_names,
    project.check_access_token_check,
    project.check_issuer_and_audience,
    project.check_time_zone,
    project.check_admin_user_pages,
    lifetimes.check_durations,
    lifetimes.check_grace_period,
    lifetimes.check_event_retention,
    lifetimes.check_relations,
    keys.check_key_lists,
    keys.check_secret_key_is_usable,
    keys.check_secret_key_signs_nothing,
    keys.check_keys_are_not_shared,
    cookies.check_cookie_name,
    cookies.check_cookie_name_is_free,
    cookies.check_cookie_prefix,
    cookies.check_cookie_path,
    cookies.check_cookie_path_leads_to_endpoints,
    cookies.check_cookie_samesite,
    cookies.check_cookie_secure,
    cookies.check_access_cookie,
    clients.check_clients,
    clients.check_client_names,
    clients.check_client_entries,
    clients.check_somebody_can_log_in,
    clients.check_gate,
    clients.check_second_steps_have_a_gate,
    second_step.check_second_step,
    second_step.check_second_step_is_reached,
    addresses.check_proxies,
    ending.check_end_sessions_on,
    ending.check_revoke_max_age,
    privacy.check_retentions,
    privacy.check_retentions_fit,
    privacy.check_kept,
    guessing.check_guessing,
    guessing.check_account_key,
    throttling.check_throttle_rates,
    project.check_middleware,
    mounts.check_mounts,
    notices.check_security_emails,
    notices.check_site_url,
    notices.check_site_url_is_an_origin,
    notices.check_email_page,
    notices.check_email_templates,
    project.check_authentication_order,
)

DEPLOY_CHECKS: tuple[Check, ...] = (
    lifetimes.check_access_lifetime_is_short,
    lifetimes.check_login_clients_are_not_privileged,
    keys.check_secret_key_is_strong,
    cookies.check_cookie_name_is_protected,
    cookies.check_cookie_samesite_is_strict,
    cookies.check_cookie_is_secure,
    addresses.check_proxies_are_named,
    notices.check_mail_server_is_given_up,
    guessing.check_guesses_are_counted_together,
    guessing.check_guesses_are_counted_atomically,
)
