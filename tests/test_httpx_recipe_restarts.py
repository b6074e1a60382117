"""The recipe's file of a token: written before it is used, whole, private, and shared."""

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path
from time import sleep
from typing import Any

import httpx
import pytest

from docs.recipes import token_file
from docs.recipes.httpx_client import LoginRequired
from docs.recipes.token_file import TokenFile
from tests.httpx_program import KILLED
from tests.lossy import Send, expire
from tests.processes import ROOT
from tokenauth.models import AuthEvent, AuthSession, EventType

WHOAMI = "/api/whoami"
REFRESH = "/auth/refresh/"
OK = (200, {"username": "ada"})
MOMENTS = ["received", "written", "stored"]


def start(url: str, path: Path, moment: str = "never") -> "subprocess.Popen[str]":
    """Start a process that asks once, and dies at the moment."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.httpx_program", url, str(path), moment],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: "subprocess.Popen[str]") -> tuple[int, str]:
    """Wait for a process; return how it ended and what it said."""
    said, complained = process.communicate(timeout=60)
    assert process.returncode in {0, KILLED}, complained
    return process.returncode, said.strip()


def events() -> set[str]:
    """Return the kinds of events that were recorded."""
    return set(AuthEvent.objects.values_list("type", flat=True))


@pytest.mark.parametrize("moment", MOMENTS)
class TestKilledProcess:
    def test_the_next_one_goes_on(self, device, asked, clock, project_url, moment):
        """In the same session, within the grace: an ordinary repetition."""
        expire(clock, device)
        assert finish(start(project_url, device.store.path, moment)) == (KILLED, "")
        assert asked == [REFRESH]
        assert finish(start(project_url, device.store.path)) == (0, '{"username":"ada"}')
        assert asked == [REFRESH, REFRESH, WHOAMI]
        assert AuthSession.objects.get().generation == 1
        assert events() == {EventType.LOGIN}

    def test_the_next_one_goes_on_a_day_later(self, device, clock, project_url, moment):
        """The token that was issued was never used, so nobody is alarmed."""
        expire(clock, device)
        assert finish(start(project_url, device.store.path, moment))[0] == KILLED
        clock.advance(days=1)
        assert finish(start(project_url, device.store.path)) == (0, '{"username":"ada"}')
        assert AuthSession.objects.get().revoked_at is None
        assert EventType.REUSE not in events()


class TestProcesses:
    def test_four_that_start_at_once_share_a_session(self, device, asked, clock, project_url):
        """One rotation; each has an access token of its own."""
        expire(clock, device)
        running = [start(project_url, device.store.path) for _ in range(4)]
        assert [finish(process) for process in running] == [(0, '{"username":"ada"}')] * 4
        assert AuthSession.objects.get().generation == 1
        assert events() == {EventType.LOGIN}
        assert asked.count(REFRESH) == 4

    def test_one_at_a_time_asks(self, device, new_device, clock, monkeypatch):
        """The second waits for the lock, and finds the token of the first."""
        expire(clock, device)
        other = new_device()
        arrived, waits, go = threading.Event(), threading.Event(), threading.Event()
        sent: list[str] = []

        def note(seconds: float) -> None:
            waits.set()
            sleep(seconds)

        def slow(request: httpx.Request, send: Send) -> httpx.Response:
            sent.append(str(device.store.load()))
            arrived.set()
            assert go.wait(20)
            return send(request)

        def quick(request: httpx.Request, send: Send) -> httpx.Response:
            sent.append(str(other.store.load()))
            return send(request)

        monkeypatch.setattr(token_file, "sleep", note)
        device.faults += [slow]
        other.faults += [quick]
        first, second = (threading.Thread(target=each.whoami) for each in (device, other))
        first.start()
        assert arrived.wait(20)
        second.start()
        assert waits.wait(20)
        go.set()
        first.join()
        second.join()
        assert sent[0] != sent[1] == device.store.load()

    def test_without_a_lock_it_is_as_good(self, device, new_device, clock, monkeypatch):
        """As on Windows: both get the same successor, a late answer overwrites nothing newer."""
        monkeypatch.setattr(token_file, "fcntl", None)
        expire(clock, device)
        other = new_device()

        def overtaken(request: httpx.Request, send: Send) -> httpx.Response:
            response = send(request)
            assert other.whoami() == OK
            expire(clock, other)
            assert other.whoami() == OK
            clock.advance(seconds=31)  # from now on, what came before the newest is reuse
            return response

        device.faults += [overtaken]
        assert device.whoami() == OK
        assert AuthSession.objects.get().generation == 3
        assert events() == {EventType.LOGIN}

    def test_a_lock_that_is_never_released_stops_nobody(
        self, device, new_device, clock, monkeypatch
    ):
        """A process that hangs, with the lock: after a minute the others go on."""
        monkeypatch.setattr(token_file, "LOCK_PATIENCE", 0)
        expire(clock, device)
        with new_device().store.lock():
            assert device.whoami() == OK

    def test_a_logout_without_the_lock_is_not_undone(self, device, new_device, clock, monkeypatch):
        """The answer of a refresh that was under way is thrown away."""
        monkeypatch.setattr(token_file, "fcntl", None)
        expire(clock, device)

        def meanwhile(request: httpx.Request, send: Send) -> httpx.Response:
            response = send(request)
            new_device().auth.logout()
            return response

        device.faults += [meanwhile]
        with pytest.raises(LoginRequired, match="not_logged_in"):
            device.whoami()
        assert device.store.load() is None


class TestStore:
    def test_what_cannot_be_stored_is_not_used(self, device, asked, clock, monkeypatch, tmp_path):
        """A full disk: no request is made with the new token, and nothing is lost."""
        expire(clock, device)
        before = device.store.load()

        def full(*_: Any) -> None:
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as disk:
            disk.setattr(os, "fsync", full)
            with pytest.raises(OSError, match="No space"):
                device.whoami()
        assert asked == [REFRESH]
        assert device.store.load() == before
        assert {path.name for path in tmp_path.iterdir()} == {"token", "token.lock"}
        assert device.whoami() == OK
        assert asked == [REFRESH, REFRESH, WHOAMI]
        assert events() == {EventType.LOGIN}

    def test_it_is_durable_before_it_is_used(self, device, asked, clock, monkeypatch):
        """The file is synced, then renamed, then its directory synced; then it is used."""
        steps: list[Any] = []
        sync, replace = os.fsync, Path.replace

        def note_sync(handle: int) -> None:
            steps.append("directory" if stat.S_ISDIR(os.fstat(handle).st_mode) else "file")
            sync(handle)

        def note_replace(self: Path, target: Path) -> Path:
            steps.append("rename")
            return replace(self, target)

        monkeypatch.setattr(os, "fsync", note_sync)
        monkeypatch.setattr(Path, "replace", note_replace)
        expire(clock, device)
        device.faults += [lambda request, send: (steps.append("answer"), send(request))[1]]
        device.http.event_hooks = {"request": [lambda request: steps.append("use")]}
        assert device.whoami() == OK
        assert steps == ["answer", "file", "rename", "directory", "use"]

    def test_nobody_else_can_read_it(self, tmp_path):
        """Whatever the umask; the lock neither. Nothing else is left behind."""
        store = TokenFile(tmp_path / "token")
        before = os.umask(0)
        try:
            with store.lock():
                store.save("a" * 64)
                store.save("b" * 64)
        finally:
            os.umask(before)
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
        assert modes == {"token": 0o600, "token.lock": 0o600}
        assert store.load() == "b" * 64

    def test_a_clear_of_nothing_is_fine(self, tmp_path):
        """Twice too."""
        store = TokenFile(tmp_path / "token")
        store.save("a")
        store.clear()
        store.clear()
        assert store.load() is None
