"""E-mails by the project's tasks; collected where Django has tasks, from 6.0."""

from collections.abc import Callable
from typing import Any

import pytest
from django.tasks.backends.base import BaseTaskBackend
from django.tasks.base import TaskResult, TaskResultStatus

from tests.conftest import Api, Clock
from tests.notices.conftest import outbox, path_in
from tokenauth.models import AuthSession

pytestmark = pytest.mark.any_database

SignIn = Callable[..., Api]
KEPT: list[tuple[Any, tuple[Any, ...], dict[str, Any]]] = []


class Later(BaseTaskBackend):
    """A queue that keeps what it is given until somebody runs it."""

    def enqueue(self, task: Any, args: Any, kwargs: Any) -> Any:
        """Keep it, as JSON would."""
        self.validate_task(task)
        KEPT.append((task, args, kwargs))
        return TaskResult(
            task=task,
            id="1",
            status=TaskResultStatus.READY,
            enqueued_at=None,
            started_at=None,
            last_attempted_at=None,
            finished_at=None,
            args=args,
            kwargs=kwargs,
            backend=self.alias,
            errors=[],
            worker_ids=[],
        )


class Down(Later):
    """A queue that is out of order."""

    def enqueue(self, task: Any, args: Any, kwargs: Any) -> Any:
        """Fail."""
        raise ConnectionError("no queue")


def run_kept() -> None:
    """Do what a worker does."""
    while KEPT:
        task, args, kwargs = KEPT.pop(0)
        task.call(*args, **kwargs)


class TestTasks:
    @pytest.fixture(autouse=True)
    def _nothing_kept(self) -> None:
        KEPT.clear()

    def use(self, settings: Any, backend: str, **more: Any) -> None:
        """Give the project a queue."""
        settings.TASKS = {"default": {"BACKEND": backend, **more}}

    def test_are_run_at_once_by_the_immediate_backend(self, sign_in: SignIn, settings: Any) -> None:
        """Django's own: no worker, and the e-mail is the same."""
        self.use(settings, "django.tasks.backends.immediate.ImmediateBackend")
        sign_in()
        assert [message.to for message in outbox()] == [["ada@example.org"]]

    def test_are_run_later_by_a_queue(
        self, sign_in: SignIn, settings: Any, clock: Clock, client: Any
    ) -> None:
        """The login waits for no mail server, and the day of the link begins when it is written."""
        self.use(settings, f"{__name__}.Later")
        sign_in()
        assert outbox() == []
        clock.advance(hours=20)
        run_kept()
        (message,) = outbox()
        clock.advance(hours=23)
        assert client.get(path_in(message)).status_code == 200

    def test_hold_the_session_and_no_secret(self, sign_in: SignIn, settings: Any) -> None:
        """What a queue stores: kind, id and language; the link is made by the worker."""
        self.use(settings, f"{__name__}.Later")
        sign_in()
        session = AuthSession.objects.get(new_device=True)
        ((task, args, kwargs),) = KEPT
        assert (args, kwargs) == (("new_device", str(session.pk), "en"), {})
        assert task.module_path == "tokenauth.notices.tasks.send_notice"

    def test_about_reuse_are_queued_too(self, reuse: Callable[[], Api], settings: Any) -> None:
        """With the language that the request was not asked for."""
        self.use(settings, f"{__name__}.Later")
        reuse()
        run_kept()
        assert [message.to for message in outbox()] == [["ada@example.org"]]

    def test_of_a_session_that_is_gone_send_nothing(self, sign_in: SignIn, settings: Any) -> None:
        """The row was pruned before the worker came to it."""
        self.use(settings, f"{__name__}.Later")
        sign_in()
        AuthSession.objects.all().delete()
        run_kept()
        assert outbox() == []

    def test_run_twice_send_one(self, sign_in: SignIn, settings: Any) -> None:
        """Queues promise at least once."""
        self.use(settings, f"{__name__}.Later")
        sign_in()
        KEPT.extend(list(KEPT))
        run_kept()
        assert len(outbox()) == 1

    @pytest.mark.parametrize(
        ("backend", "more"), [("Down", {}), ("Later", {"QUEUES": ["other"]}), ("Missing", {})]
    )
    def test_that_cannot_be_queued_are_done_at_once(
        self, sign_in: SignIn, settings: Any, caplog: Any, backend: str, more: Any
    ) -> None:
        """A queue that is down, or that does not take it, keeps no warning from a user."""
        self.use(settings, f"{__name__}.{backend}", **more)
        assert sign_in().whoami().status_code == 200
        assert len(outbox()) == 1
        said = [line for line in caplog.records if line.name == "tokenauth.notices"]
        assert ["was not queued" in line.getMessage() for line in said] == [True]
