"""What a user agent says about its device."""

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenauth import devices
from tokenauth.devices import UNKNOWN, Device, describe
from tokenauth.models import MAX_DEVICE, MAX_USER_AGENT, AuthSession, DeviceKind

WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 "
ANDROID = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) "

AGENTS = {
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0": (
        "Firefox on Windows",
        "desktop",
    ),
    f"{WINDOWS}Chrome/142.0.0.0 Safari/537.36": ("Chrome on Windows", "desktop"),
    f"{WINDOWS}Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0": ("Edge on Windows", "desktop"),
    f"{WINDOWS}Chrome/142.0.0.0 Safari/537.36 OPR/125.0.0.0": ("Opera on Windows", "desktop"),
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/26.0 Safari/605.1.15": ("Safari on macOS", "desktop"),
    "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/142.0.0.0 Safari/537.36": ("Chrome on ChromeOS", "desktop"),
    "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0": (
        "Firefox on Linux",
        "desktop",
    ),
    f"{IPHONE}(KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1": (
        "Safari on iPhone",
        "phone",
    ),
    f"{IPHONE}(KHTML, like Gecko) CriOS/142.0 Mobile/15E148 Safari/604.1": (
        "Chrome on iPhone",
        "phone",
    ),
    f"{IPHONE}(KHTML, like Gecko) FxiOS/145.0 Mobile/15E148 Safari/605.1.15": (
        "Firefox on iPhone",
        "phone",
    ),
    f"{IPHONE}(KHTML, like Gecko) Mobile/15E148": ("WebView on iPhone", "phone"),
    "Mozilla/5.0 (iPad; CPU OS 16_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/16.6 Mobile/15E148 Safari/604.1": ("Safari on iPad", "tablet"),
    f"{ANDROID}Chrome/142.0.0.0 Mobile Safari/537.36": ("Chrome on Android", "phone"),
    f"{ANDROID}Chrome/142.0.0.0 Safari/537.36": ("Chrome on Android", "tablet"),
    "Mozilla/5.0 (Android 14; Mobile; rv:145.0) Gecko/145.0 Firefox/145.0": (
        "Firefox on Android",
        "phone",
    ),
    "Mozilla/5.0 (Android 14; Tablet; rv:145.0) Gecko/145.0 Firefox/145.0": (
        "Firefox on Android",
        "tablet",
    ),
    f"{ANDROID}SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36": (
        "Samsung Internet on Android",
        "phone",
    ),
    "Mozilla/5.0 (Mobile; Nokia_8110_4G; rv:48.0) Gecko/48.0 Firefox/48.0 KAIOS/2.5": (
        "Firefox on KaiOS",
        "phone",
    ),
    "Mozilla/5.0 (SMART-TV; Linux; Tizen 6.0) AppleWebKit/537.36 (KHTML, like Gecko) "
    "SamsungBrowser/2.2 Chrome/63 TV Safari/537.36": ("Samsung Internet on Tizen", "other"),
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)": (
        "Googlebot",
        "other",
    ),
    "python-requests/2.32.3": ("python-requests", "other"),
    "okhttp/4.12.0": ("okhttp", "other"),
    "curl/8.5.0": ("curl", "other"),
    "Ourapp/1.2": ("Ourapp", "other"),
    "Ourapp/1.2 (build 77)": ("Ourapp", "other"),
    "Ourapp/1.2 CFNetwork/1494.0.7 Darwin/23.4.0": ("Ourapp on iOS", "other"),
    "Ourapp/1.2 (iPhone; iOS 18.0)": ("Ourapp on iPhone", "phone"),
    "Linux": ("Linux", "other"),
}


class TestDescribe:
    @pytest.mark.parametrize(("agent", "expected"), AGENTS.items(), ids=AGENTS)
    def test_known(self, agent: str, expected: tuple[str, str]):
        """Browser and system without a version, and the kind; a program by its product's name."""
        assert describe(agent) == Device(*expected)

    @pytest.mark.parametrize("agent", ["", "Mozilla/5.0", "(just a comment)", " curl/8", "日本語"])
    def test_unknown(self, agent: str):
        """What says nothing is nothing, neither a label nor a kind."""
        assert describe(agent) == UNKNOWN == Device("", "")

    @pytest.mark.parametrize(("one", "other"), [("144.0", "145.0"), ("144.0", "144.0.2")])
    def test_a_newer_version_is_the_same_device(self, one: str, other: str):
        """A browser that updates itself is no other browser."""
        agents = [f"Mozilla/5.0 (X11; Linux x86_64) Firefox/{version}" for version in (one, other)]
        assert describe(agents[0]) == describe(agents[1])

    @pytest.mark.req("REQ-122")
    @pytest.mark.parametrize(
        "agent",
        [
            "<script>alert(1)</script>",
            f"{'a' * 100}\u202egnp.exe/1",
            "Mozilla/5.0 (Linux; Android 8; <script>alert(1)</script> Build/x) Chrome/130.0.1",
            "evil\r\nSet-Cookie: a=b",
        ],
    )
    def test_hostile(self, agent: str):
        """Of markup, line breaks and direction marks nothing gets into a label."""
        label = describe(agent).label
        assert label.isprintable()
        assert not set("<>\u202e\r\n") & set(label)
        assert len(label) <= MAX_DEVICE

    @given(st.text() | st.from_regex(r"Mozilla/5\.0 \(.*\) .*"))
    def test_any_text(self, agent: str):
        """Whatever a client sends: one printable line that fits its column, and a kind with it."""
        device = describe(agent)
        field = AuthSession._meta.get_field("device")
        assert device.label.isprintable()
        assert len(device.label) <= (field.max_length or 0)
        assert bool(device.label) == bool(device.kind)
        assert device.kind in {"", *DeviceKind.values}
        assert type(device.kind) is str

    def test_length_is_bounded(self):
        """A long one costs no more than one that can be stored: the rest is not looked at."""
        long = "Mozilla/5.0 (" + "x" * MAX_USER_AGENT + "; Windows NT 10.0) Firefox/145.0"
        assert describe(long) == describe(long[:MAX_USER_AGENT]) == UNKNOWN

    @pytest.mark.parametrize(
        "part", ["; ", "_", "SM-", "Chrome/1.", "Build/", "a-", "(", "Darwin/"]
    )
    def test_no_agent_takes_long(self, part: str):
        """The worst that is known takes some 20 ms: no pattern runs away."""
        describe("warm up, so that the patterns are compiled")
        start = time.process_time()
        describe(f"Mozilla/5.0 (Linux; Android 1{part * MAX_USER_AGENT}")
        assert time.process_time() - start < 0.5

    def test_is_looked_up_once(self):
        """A user agent that was seen costs no pattern; what is kept has a bound."""
        before = devices._describe.cache_info()
        describe("Seldom/1.0 (seen twice)")
        describe("Seldom/1.0 (seen twice)")
        after = devices._describe.cache_info()
        assert (after.misses - before.misses, after.hits - before.hits) == (1, 1)
        assert after.maxsize == devices._CACHED

    def test_a_failing_parser_fails_nothing(self, monkeypatch: pytest.MonkeyPatch, caplog: Any):
        """What the library raises is logged, and nothing is known of the device."""

        def fail(_agent: str) -> None:
            raise RecursionError

        monkeypatch.setattr("ua_parser.parse", fail)
        assert describe("Failing/1.0 (on purpose)") == UNKNOWN
        assert "could not be read" in caplog.text
