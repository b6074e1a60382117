"""What an API request does with an access token: the session check."""

from typing import Any

import jwt
import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import User, UserManager
from django.db import connection
from django.test import override_settings

from tests.tokens.forging import forge, header, jwk
from tests.tokens.test_jws_payload import twin
from tokenauth.access import Access, averify_access_token, verify_access_token
from tokenauth.conf import config
from tokenauth.exceptions import AccessInvalid
from tokenauth.models import AuthSession, RevokedReason
from tokenauth.sessions import Tokens, confirm, revoke_session, start_session
from tokenauth.system import new_id


@pytest.fixture
def tokens(user, clock) -> Tokens:
    """Ada's tokens, as fresh as they are made."""
    return start_session(user)


def changed(tokens: Tokens, **changes: Any) -> str:
    """Return the access token with other claims, signed with the real key."""
    body = jwt.decode(tokens.access, options={"verify_signature": False})
    key = config.signing_keys.current
    return forge(key, header(key), {**body, **changes})


def is_refused(raw: Any) -> bool:
    """Return whether a token is refused, by both functions alike."""
    verdicts = []
    for verify in (verify_access_token, async_to_sync(averify_access_token)):
        try:
            verify(raw)
        except AccessInvalid:
            verdicts.append(True)
        else:
            verdicts.append(False)
    assert verdicts[0] == verdicts[1]
    return verdicts[0]


def update(tokens: Tokens, **values: Any) -> None:
    """Change the session's row."""
    assert AuthSession.objects.filter(pk=tokens.session.pk).update(**values) == 1


def sql(statement: str, *values: Any) -> None:
    """Change something behind Django's back."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


class TestVerifyAccessToken:
    def test_returns_user_session_and_claims(self, user, tokens):
        """Of whom the token speaks."""
        access = verify_access_token(tokens.access)
        assert access.user == user
        assert access.session == tokens.session
        assert access.token.session_id == tokens.session.pk
        assert not is_refused(changed(tokens))

    def test_async_gives_the_same(self, tokens):
        """For WebSockets and async views."""
        answer: Access = async_to_sync(averify_access_token)(tokens.access)
        assert answer == verify_access_token(tokens.access)

    def test_costs_one_query(self, tokens, django_assert_num_queries):
        """Session and user together."""
        with django_assert_num_queries(1):
            access = verify_access_token(tokens.access)
            assert access.user.is_staff is False

    @pytest.mark.parametrize("raw", ["", "garbage", "a.b.c", None, 5, "é", "x" * 10_000])
    def test_costs_no_query_for_what_is_not_authentic(self, db, raw, django_assert_num_queries):
        """A flood of garbage does not reach the database."""
        with django_assert_num_queries(0):
            assert is_refused(raw)

    def test_costs_no_query_for_what_is_expired(self, clock, tokens, django_assert_num_queries):
        """Time is judged before the database is asked."""
        clock.advance(minutes=5)
        with django_assert_num_queries(0):
            assert is_refused(tokens.access)

    def test_says_whether_a_generation_is_new(self, clock, tokens):
        """The first use is recorded, the next is not the first."""
        access = verify_access_token(tokens.access)
        assert access.is_first_use
        confirm(access.session, 0, clock.time)
        assert not verify_access_token(tokens.access).is_first_use

    @pytest.mark.req("REQ-110")
    def test_refuses_a_token_of_a_removed_key(self, tokens):
        """Taking the key off the list is effective with the next request."""
        with override_settings(TOKENAUTH_SIGNING_KEYS=[jwk("ES256")]):
            assert is_refused(tokens.access)
        assert not is_refused(tokens.access)

    def test_accepts_a_token_made_under_the_last_secret_key(self, tokens, settings):
        """While the old SECRET_KEY is a fallback, nobody is logged out."""
        settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
        settings.SECRET_KEY = "the-next-one-" * 4
        assert not is_refused(tokens.access)
        settings.SECRET_KEY_FALLBACKS = []
        assert is_refused(tokens.access)


class TestSession:
    @pytest.mark.req("REQ-41")
    @pytest.mark.parametrize(
        "reason", [RevokedReason.LOGOUT, RevokedReason.ADMIN, RevokedReason.REUSE, "of its own"]
    )
    def test_refuses_a_revoked_one(self, tokens, reason):
        """At once, whatever the reason."""
        revoke_session(tokens.session, reason=reason)
        assert is_refused(tokens.access)

    @pytest.mark.req("REQ-42")
    def test_refuses_the_twin_of_a_revoked_token(self, user, clock):
        """The other signature that ECDSA allows leads to the same session."""
        with override_settings(TOKENAUTH_SIGNING_KEYS=[jwk("ES256")]):
            tokens = start_session(user)
            other = twin(tokens.access)
            assert other != tokens.access
            assert not is_refused(other)
            revoke_session(tokens.session, reason=RevokedReason.LOGOUT)
            assert is_refused(other)

    @pytest.mark.req("REQ-42")
    def test_refuses_padding_on_a_living_and_on_a_revoked_token(self, tokens):
        """There is one spelling, before the end and after."""
        assert is_refused(tokens.access + "=")
        revoke_session(tokens.session, reason=RevokedReason.LOGOUT)
        assert is_refused(tokens.access + "=")

    @pytest.mark.req("REQ-22")
    def test_refuses_an_expired_one(self, clock, tokens):
        """Exactly at its end, whether or not anything was cleaned up."""
        update(tokens, expires_at=clock.advance(seconds=10))
        assert is_refused(tokens.access)
        clock.advance(microseconds=-1)
        assert not is_refused(tokens.access)

    def test_refuses_a_generation_that_never_was(self, tokens):
        """A token of a step-up whose transaction was rolled back, though a view has sent it."""
        assert is_refused(changed(tokens, gen=1))
        update(tokens, generation=1)
        assert not is_refused(changed(tokens, gen=1))

    def test_refuses_a_generation_below_the_floor(self, tokens):
        """A token from before a step-up."""
        update(tokens, generation=1, floor=1)
        assert is_refused(tokens.access)
        assert not is_refused(changed(tokens, gen=1))

    def test_refuses_one_that_is_not_there(self, tokens):
        """Another id, and a row that was deleted."""
        assert is_refused(changed(tokens, sid=str(new_id())))
        AuthSession.objects.all().delete()
        assert is_refused(tokens.access)


class TestSubject:
    @pytest.mark.req("REQ-68")
    def test_refuses_another_user_s_session(self, tokens, staff):
        """Both are real: the session is Ada's, the subject is not."""
        other = start_session(staff)
        assert is_refused(changed(tokens, sub=str(staff.pk), user_id=str(staff.pk)))
        assert is_refused(changed(tokens, sid=str(other.session.pk)))

    @pytest.mark.req("REQ-68")
    @pytest.mark.parametrize(
        "form",
        [
            *(" {}", "{} ", "0{}", "+{}", "{}.0", "{}\x00", "{}\ud800", "\ud800", "-{}", "{},{}"),
            *("None", "null", "' OR 1=1 --", "{}\n", "\u0661", "ada", "0x1", "x" * 4000),
        ],
    )
    def test_is_compared_as_text(self, tokens, form, django_assert_max_num_queries):
        """Nothing is converted, so no spelling of a key reaches the database."""
        subject = form.format(tokens.session.user_id, tokens.session.user_id)
        with django_assert_max_num_queries(2):
            assert is_refused(changed(tokens, sub=subject, user_id=subject))

    @pytest.mark.req("REQ-71")
    def test_roles_are_those_of_the_database(self, user, tokens):
        """A claim says nothing of them, and the row is read at every request."""
        assert not verify_access_token(tokens.access).user.is_staff
        User.objects.filter(pk=user.pk).update(is_staff=True)
        assert verify_access_token(tokens.access).user.is_staff
        User.objects.filter(pk=user.pk).update(is_staff=False)
        forged = changed(tokens, is_staff=True, is_superuser=True, scope="admin")
        assert not verify_access_token(forged).user.is_staff


class TestAccount:
    @pytest.mark.req("REQ-23")
    @pytest.mark.parametrize("how", ["save", "update", "sql"])
    def test_refuses_an_inactive_user(self, user, tokens, how):
        """However the flag was changed."""
        if how == "save":
            user.is_active = False
            user.save()
        elif how == "update":
            User.objects.update(is_active=False)
        else:
            sql("UPDATE auth_user SET is_active = (1 = 0) WHERE id = %s", user.pk)
        assert is_refused(tokens.access)

    @pytest.mark.req("REQ-23")
    @pytest.mark.parametrize("how", ["delete", "queryset", "sql"])
    def test_refuses_a_deleted_user(self, user, tokens, how):
        """However the row went."""
        if how == "delete":
            user.delete()
        elif how == "queryset":
            User.objects.filter(pk=user.pk).delete()
        else:
            sql("DELETE FROM auth_user WHERE id = %s", user.pk)
        assert is_refused(tokens.access)

    @pytest.mark.req("REQ-23")
    def test_refuses_a_user_whom_the_default_manager_hides(self, tokens, monkeypatch):
        """Projects that delete softly hide their users there."""

        class Visible(UserManager[User]):
            def get_queryset(self) -> Any:
                return super().get_queryset().exclude(first_name="deleted")

        visible = Visible()
        visible.model = User
        monkeypatch.setitem(User._meta.__dict__, "default_manager", visible)
        assert not is_refused(tokens.access)
        User._base_manager.update(first_name="deleted")
        assert is_refused(tokens.access)

    @pytest.mark.req("REQ-24")
    @pytest.mark.parametrize("how", ["save", "update", "sql", "unusable"])
    def test_refuses_a_token_from_before_a_new_password(self, user, tokens, how):
        """However the password was changed."""
        if how == "save":
            user.set_password("another")
            user.save()
        elif how == "unusable":
            user.set_unusable_password()
            user.save()
        elif how == "update":
            User.objects.update(password="md5$a$b")
        else:
            sql("UPDATE auth_user SET password = %s", "md5$a$b")
        assert is_refused(tokens.access)

    def test_accepts_a_user_who_changed_anything_else(self, user, tokens):
        """A new name or mail address ends nothing."""
        User.objects.update(username="lady", email="ada@example.com", last_name="Lovelace")
        assert verify_access_token(tokens.access).user.username == "lady"
