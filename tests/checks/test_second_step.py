from typing import Any

import pytest

from tests.checks import problems

HERE = f"{__name__}."
GATE: dict[str, Any] = {"TOKENAUTH_LOGIN_GATE": f"{HERE}gate"}


def gate(_request: Any, _user: Any) -> None:
    """Let everybody pass."""


def verify(_request: Any, _user: Any, _answer: Any) -> None:
    """Refuse every answer."""


async def later(_request: Any, _user: Any, _answer: Any) -> None:
    """Refuse every answer, in time."""


class Later:
    """An instance that is called as an async function."""

    async def __call__(self, _request: Any, _user: Any, _answer: Any) -> None:
        """Refuse every answer."""


later_instance = Later()
NOTHING = "no function"


class TestSecondStep:
    @pytest.mark.parametrize(
        "value", ["", "nowhere", "nowhere.verify", f"{HERE}missing", f"{HERE}NOTHING", verify, 1]
    )
    def test_is_a_function(self, value: Any) -> None:
        """What cannot be imported or called would be a 500 at every second step."""
        assert problems(TOKENAUTH_SECOND_STEP=value, **GATE) == ["E100"]

    @pytest.mark.parametrize("name", ["later", "later_instance"])
    def test_is_not_async(self, name: str) -> None:
        """A coroutine is neither None nor methods."""
        assert problems(TOKENAUTH_SECOND_STEP=HERE + name, **GATE) == ["E101"]

    def test_has_a_gate(self) -> None:
        """Without one nobody is asked, and the password alone passes."""
        assert problems(TOKENAUTH_SECOND_STEP=f"{HERE}verify") == ["E102"]

    @pytest.mark.parametrize("more", [{}, {"TOKENAUTH_SECOND_STEP": f"{HERE}verify"}])
    def test_passes(self, more: dict[str, str]) -> None:
        """A gate with and without it: a project may complete the login by itself."""
        assert problems(deploy=True, **GATE, **more) == []
